import {isStreamAddress} from "./addresses.js";
import {Backoff} from "./backoff.js";
import {asText, PACKED, TEXT} from "./batches.js";
import {ABNORMAL, ALREADY_ENDED, refusal, wantedWaitMs} from "./close_codes.js";
import {type Failure, KynaError} from "./errors.js";
import type {ControlMessage, ServerMessage, SessionUpdate} from "./messages.js";
import {after} from "./timers.js";

const SILENT_MS = 20_000;
/** Less than the session's idle limit of 120 s, also by the slow timers of a page in the back. */
const PING_MS = 30_000;
const MIN_WAIT_MS = 100;
const MAX_WAIT_MS = 3_000;
/** As long as a session may last. */
const GIVE_UP_MS = 3_600_000;
/** How long an answer may take once a page is seen again, or has a network again. */
const CHECK_MS = 3_000;
/** A silence longer than an ack takes on a slow network: the server was away. */
const AWAY_MS = 5_000;

/** What the stream needs of a websocket; the browser's and that of `ws` have it. */
export interface Socket {
  onmessage: ((event: never) => void) | null;
  onclose: ((event: never) => void) | null;
  onerror: ((event: never) => void) | null;
  /** The subprotocol that the server has selected. */
  readonly protocol?: string;
  send(data: string | Uint8Array<ArrayBuffer>): void;
  close(): void;
}
export type WebSocketConstructor = new (url: string, protocols: string[]) => Socket;

export interface ConnectionOptions {
  /** A class like the browser's, such as that of `ws`. */
  readonly WebSocket?: WebSocketConstructor | undefined;
  /** With no attach for so many milliseconds (3,600,000) the stream is given up: `unreachable`. */
  readonly giveUpMs?: number | undefined;
  /**
   * While an answer is due, a server that says nothing for so many milliseconds (20,000) is frozen
   * or out of reach. One that lives says something within 15 s, were it a ping.
   */
  readonly silentMs?: number | undefined;
}

/** The stream of a connection, which is told what happens. */
export interface ConnectionOwner {
  readonly isAnswerDue: boolean;
  attached(update: SessionUpdate): void;
  hear(message: ServerMessage): void;
  /** The server speaks again, after it could not be heard. */
  back(): void;
  /** The connection was lost, and another attach comes. */
  lost(): void;
  /** The session had ended before: `details` say how. */
  endedBefore(details: object): void;
  /** No further attach can help. */
  failed(error: KynaError): void;
}

/** The connection to a session's runtime, which is made again for as long as that can help. */
export class Connection {
  isAttached = false;
  readonly #url: string;
  readonly #protocols: string[];
  readonly #options: ConnectionOptions;
  readonly #owner: ConnectionOwner;
  readonly #backoff = new Backoff(MIN_WAIT_MS, MAX_WAIT_MS);
  #socket: Socket | null = null;
  #fault: Failure | null = null;
  #lostAtMs = Date.now();
  /** Whether the server has said more than that the stream is attached. */
  #isServed = false;
  #heardAtMs = Date.now();
  #isPinged = false;
  // Each is undefined while nothing is waited for.
  #untilSilent: ReturnType<typeof after>;
  #untilPing: ReturnType<typeof setTimeout> | undefined;
  #untilAttach: ReturnType<typeof setTimeout> | undefined;

  constructor(url: string, token: string, options: ConnectionOptions, owner: ConnectionOwner) {
    this.#url = url;
    this.#protocols = [PACKED, TEXT, `bearer.${token}`];
    this.#options = options;
    this.#owner = owner;
  }

  attach(): void {
    this.#untilAttach = undefined;
    this.#fault = null;
    try {
      this.#socket = this.#open();
    } catch (cause) {
      const message = `No WebSocket can be had for stream_url, which has to begin with wss:// or ws://, the latter not in a page of https, and is: ${this.#url} Node 20 has none of its own, and needs the option.`;
      this.#fail("stream_unavailable", message, cause);
      return;
    }
    this.#awaitAnswer();
  }

  #open(): Socket {
    const WebSocket = this.#options.WebSocket ?? globalThis.WebSocket;
    // A browser would take a path for one of the page, and attach there again and again.
    if (!isStreamAddress(this.#url)) throw new TypeError("It is no address of a stream.");
    const socket: Socket = new WebSocket(this.#url, this.#protocols);
    socket.onerror = () => {}; // a close follows
    socket.onclose = ({code}: {code: number}) => this.#lose(code);
    socket.onmessage = ({data}: {data: unknown}) => this.#hear(String(data));
    return socket;
  }

  /**
   * Attach now where another attach is waited for, unless the server asked to wait. Where it is
   * attached, find out whether the connection still is one.
   */
  hasten(): void {
    if (this.isAttached) {
      this.#ping();
      clearTimeout(this.#untilSilent);
      this.#untilSilent = setTimeout(() => this.#lose(ABNORMAL), CHECK_MS);
    } else if (this.#untilAttach !== undefined && wantedWaitMs(this.#fault) === 0) {
      clearTimeout(this.#untilAttach);
      this.attach();
    }
  }

  say(message: ControlMessage): void {
    this.#write(JSON.stringify(message));
  }

  /** Send a batch as the server that is attached to reads it: an older one reads text alone. */
  writeBatch(batch: Uint8Array<ArrayBuffer>): void {
    this.#write(this.#socket?.protocol === PACKED ? batch : asText(batch));
  }

  #write(data: string | Uint8Array<ArrayBuffer>): void {
    if (!this.#socket) return;
    this.#socket.send(data);
    this.#awaitAnswer();
    this.#pingLater();
  }

  /** A close is not waited for, since a frozen server answers none. */
  leave(): void {
    for (const timer of [this.#untilSilent, this.#untilPing, this.#untilAttach]) {
      clearTimeout(timer);
    }
    this.#untilSilent = this.#untilPing = this.#untilAttach = undefined;
    this.isAttached = this.#isPinged = false;
    if (this.#socket) {
      this.#socket.onmessage = this.#socket.onclose = null;
      this.#socket.close();
      this.#socket = null;
    }
  }

  /** A client that sends nothing else pings, to say that it is there. */
  #pingLater(): void {
    clearTimeout(this.#untilPing);
    this.#untilPing = setTimeout(() => this.#ping(), PING_MS);
  }

  #ping(): void {
    this.#isPinged = true;
    this.say({type: "ping"});
  }

  #hear(text: string): void {
    clearTimeout(this.#untilSilent);
    this.#untilSilent = undefined;
    this.#isPinged = false;
    const silentMs = Date.now() - this.#heardAtMs;
    this.#heardAtMs += silentMs;
    if (silentMs > AWAY_MS) this.#owner.back();
    const message = this.#read(text);
    if (message === null) return;
    if (message.type === "session_update" && !this.isAttached) {
      this.isAttached = true;
      this.#pingLater();
      this.#owner.attached(message);
    } else if (message.type === "error") {
      this.#fault = message.error;
    } else if (message.type === "ping") {
      this.say({type: "pong"}); // it waits for its database, also before the attach
    } else {
      this.#serve();
      this.#owner.hear(message);
    }
    if (this.#socket) this.#awaitAnswer();
  }

  /** What comes next is another loss, with waits of its own. */
  #serve(): void {
    this.#isServed = true;
    this.#backoff.reset();
  }

  #read(text: string): ServerMessage | null {
    try {
      return JSON.parse(text);
    } catch (cause) {
      this.#fail("unexpected_answer", "What answers here is no server of this protocol.", cause);
      return null;
    }
  }

  /** A frozen server closes nothing: while an answer is due, one that says nothing is given up. */
  #awaitAnswer(): void {
    if (this.isAttached && !this.#isPinged && !this.#owner.isAnswerDue) return;
    const ms = this.#options.silentMs ?? SILENT_MS;
    this.#untilSilent ??= after(ms, () => this.#lose(ABNORMAL));
  }

  #lose(code: number): void {
    if (this.#isServed) this.#lostAtMs = Date.now();
    this.#isServed = false;
    this.leave();
    const final = refusal(code, this.#fault);
    if (code === ALREADY_ENDED) {
      this.#owner.endedBefore(this.#fault?.details ?? {});
    } else if (final) {
      this.#owner.failed(final);
    } else {
      this.#attachLater();
    }
  }

  #attachLater(): void {
    const waitMs = wantedWaitMs(this.#fault) + this.#backoff.next();
    if (Date.now() + waitMs - this.#lostAtMs > (this.#options.giveUpMs ?? GIVE_UP_MS)) {
      this.#fail("unreachable", "The server can't be reached. Check the connection, try again.");
      return;
    }
    this.#untilAttach = setTimeout(() => this.attach(), waitMs);
    this.#owner.lost();
  }

  #fail(code: string, message: string, cause?: unknown): void {
    this.leave();
    const retryable = code === "unreachable";
    this.#owner.failed(new KynaError({code, message, retryable}, {cause}));
  }
}
