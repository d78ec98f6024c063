import {faultOf, packed} from "./batches.js";
import {tell} from "./callbacks.js";
import {Connection, type ConnectionOwner} from "./connection.js";
import {Ending, endOf, endTimeout} from "./ending.js";
import {KynaError} from "./errors.js";
import {attemptOf, EventLog} from "./events.js";
import type {FrameAck, Readiness, ServerMessage, SessionDone, SessionUpdate} from "./messages.js";
import {Outbox} from "./outbox.js";
import type {Moment} from "./pose.js";
import {Progress} from "./progress.js";
import {Rejections} from "./rejections.js";
import type {
  EndOptions,
  HoldProgress,
  Stream,
  StreamEnd,
  StreamEvent,
  StreamOptions,
  StreamSession,
  StreamState,
} from "./stream.js";
import {after} from "./timers.js";

/** Batches that may wait for their ack. */
const WINDOW = 4;
const BATCH_FRAMES = 15;
/** The server's limit. */
const MAX_BATCH_FRAMES = 300;
const BATCH_MS = 300;
/** A server that answers acknowledges far sooner. */
const LATE_ACK_MS = 3_000;

export class SessionStream implements Stream, ConnectionOwner {
  state: StreamState = "connecting";
  attaches = 0;
  acceptedFrames = 0;
  ready = Promise.resolve();
  readonly ended: Promise<StreamEnd>;
  readonly #ending = new Ending((ms) =>
    this.failed(endTimeout(ms, this.state, this.#outbox.poses)),
  );
  readonly #options: StreamOptions;
  readonly #connection: Connection;
  readonly #outbox = new Outbox();
  readonly #events: EventLog;
  readonly #rejections: Rejections;
  readonly #progress: Progress;
  readonly #unacknowledged = new Map<number, Uint8Array<ArrayBuffer>>();
  readonly #batchFrames: number;
  readonly #onVisibility = (): void => this.#visibilityChanged();
  readonly #onOffline = (): void => this.#become("offline");
  readonly #onOnline = (): void => {
    this.lost();
    this.#connection.hasten();
  };
  #wanted: "finalize" | "cancel" | null = null;
  #isEndSaid = false;
  #batchSeq = 0;
  #frameSeq = 0;
  #untilOverdue: ReturnType<typeof after>;
  #isOverdue = false;
  #untilLate: ReturnType<typeof setTimeout> | undefined;
  #isAckLate = false;
  #becomesReady: (() => void) | null = null;

  constructor(session: StreamSession, options: StreamOptions) {
    this.ended = this.#ending.promise;
    this.#options = options;
    this.#events = new EventLog(options.lateMs);
    this.#rejections = new Rejections(options);
    this.#progress = new Progress(options);
    // A batch of none would be sent without a pause, since the poses go on waiting.
    const wanted = Math.floor(options.batchFrames ?? BATCH_FRAMES);
    this.#batchFrames = Math.max(1, Math.min(wanted, MAX_BATCH_FRAMES)) || BATCH_FRAMES;
    this.#connection = new Connection(session.stream_url, session.runtime_token, options, this);
    globalThis.document?.addEventListener("visibilitychange", this.#onVisibility);
    globalThis.window?.addEventListener("offline", this.#onOffline);
    globalThis.window?.addEventListener("online", this.#onOnline);
    this.#connection.attach();
  }

  get droppedFrames(): number {
    return this.#outbox.dropped;
  }

  get readiness(): Readiness | null {
    return this.#progress.readiness;
  }

  get hold(): HoldProgress | null {
    return this.#progress.hold;
  }

  get thinnedEvents(): number {
    return this.#progress.thinnedEvents;
  }

  get isAnswerDue(): boolean {
    return this.#unacknowledged.size > 0 || this.#isEndSaid;
  }

  add(moment: Moment): void {
    if (this.state === "ended" || this.#wanted) return;
    const fault = faultOf(moment);
    if (fault !== null) {
      this.#rejections.leaveOut(fault);
      return;
    }
    const dropped = this.#outbox.dropped;
    this.#events.reach(moment.timestampMs);
    this.#outbox.add(moment);
    this.#sendDue();
    this.#awaitOverdue();
    this.#tellDropped(dropped);
    if (this.#isFull && !this.#becomesReady && this.#isOpen) {
      this.ready = new Promise((resolve) => {
        this.#becomesReady = resolve;
      });
    }
  }

  finalize(options: EndOptions = {}): Promise<StreamEnd> {
    return this.#askFor("finalize", options);
  }

  cancel(options: EndOptions = {}): Promise<StreamEnd> {
    return this.#askFor("cancel", options);
  }

  close(): void {
    const message = "The stream was left by its client.";
    this.failed(new KynaError({code: "left", message, retryable: true}));
  }

  [Symbol.asyncIterator](): AsyncIterator<StreamEvent> {
    return this.#events[Symbol.asyncIterator]();
  }

  attached(update: SessionUpdate): void {
    this.acceptedFrames = update.accepted_frames_total;
    if (this.attaches === 0) {
      this.#batchSeq = update.last_batch_seq ?? 0;
      this.#frameSeq = update.last_frame_seq ?? 0;
      for (const warning of update.warnings ?? []) tell(this.#options.onWarning, warning);
    }
    this.attaches += 1;
    this.#isEndSaid = false;
    this.back();
    this.#become("attached");
    this.#progress.take(update);
    for (const batch of this.#unacknowledged.values()) this.#connection.writeBatch(batch);
    this.#awaitAck();
    this.#sendDue();
  }

  hear(message: ServerMessage): void {
    switch (message.type) {
      case "event_batch":
        for (const event of this.#events.take(message.events)) {
          tell(this.#options.onEvent, event);
          if (event.type === "event_interrupted") tell(this.#options.onAttempt, attemptOf(event));
        }
        break;
      case "frame_ack":
        this.#acknowledge(message);
        break;
      case "session_done":
        this.#end(message, false);
        return;
    }
    // Also where the browser believes to be offline: a server of this machine is there.
    if (!this.#isAckLate) this.#become("attached");
  }

  back(): void {
    this.#outbox.allowBacklog();
  }

  lost(): void {
    this.#become(globalThis.navigator?.onLine === false ? "offline" : "waiting");
  }

  endedBefore(details: object): void {
    const told = {accepted_frames_total: this.acceptedFrames, ...details};
    this.#end(told as SessionDone, true);
  }

  failed(error: KynaError): void {
    if (this.state === "ended") return;
    this.#over(error);
    this.#ending.reject(error);
  }

  #askFor(wanted: "finalize" | "cancel", {timeoutMs}: EndOptions): Promise<StreamEnd> {
    if (this.state === "ended") return this.ended;
    const isNews = this.#wanted !== wanted && this.#wanted !== "cancel";
    if (isNews || timeoutMs != null) this.#ending.limit(timeoutMs);
    if (isNews) {
      this.#wanted = wanted;
      this.#isEndSaid = false;
      this.#outbox.finish();
      this.#sendDue();
    }
    return this.ended;
  }

  #acknowledge(ack: FrameAck): void {
    const isAnyTaken = ack.accepted_frames_total > this.acceptedFrames;
    this.acceptedFrames = ack.accepted_frames_total;
    if (!this.#unacknowledged.delete(ack.batch_seq)) return;
    this.#awaitAck();
    this.#ending.comesOn();
    this.#rejections.take(ack, isAnyTaken);
    this.#progress.take(ack);
    this.#progress.follow(ack.hold);
    this.#sendDue();
    if (this.#hasRoom) return;
    const dropped = this.#outbox.dropped;
    this.#outbox.keepUp();
    this.#tellDropped(dropped);
  }

  #tellDropped(before: number): void {
    const {dropped} = this.#outbox;
    if (dropped > before) tell(this.#options.onDropped, dropped);
  }

  /** Send the batches that are due, and after all of them an end that is asked for. */
  #sendDue(): void {
    if (this.#wanted === "cancel") {
      this.#sayEnd("cancel");
      return;
    }
    while (this.#hasRoom && this.#isDue) this.#sendBatch();
    const isAllKnown = this.#unacknowledged.size === 0 && this.#outbox.isEmpty;
    if (this.#wanted && isAllKnown) this.#sayEnd(this.#wanted);
  }

  get #hasRoom(): boolean {
    return this.#connection.isAttached && this.#unacknowledged.size < WINDOW;
  }

  /** Whether a source that can wait should. */
  get #isFull(): boolean {
    return this.#outbox.poses >= 2 * this.#batchFrames;
  }

  get #isOpen(): boolean {
    return this.state !== "ended";
  }

  get #isDue(): boolean {
    if (this.#outbox.isEmpty) return false;
    const isBatch = this.#outbox.poses >= this.#batchFrames;
    return isBatch || this.#outbox.hasClock || this.#isOverdue || this.#wanted !== null;
  }

  #sendBatch(): void {
    const {poses, clockMs} = this.#outbox.take(this.#batchFrames);
    const batchSeq = ++this.#batchSeq;
    const batch = packed(batchSeq, poses, this.#frameSeq + 1, clockMs);
    this.#frameSeq += poses.length;
    this.#unacknowledged.set(batchSeq, batch);
    if (this.#unacknowledged.size === 1) this.#awaitAck();
    this.#connection.writeBatch(batch);
    clearTimeout(this.#untilOverdue);
    this.#untilOverdue = undefined;
    this.#isOverdue = false;
    this.#awaitOverdue();
    if (!this.#isFull) this.#tellReady();
  }

  #awaitOverdue(): void {
    if (this.#outbox.isEmpty || this.#isOverdue) return;
    this.#untilOverdue ??= after(this.#options.batchMs ?? BATCH_MS, () => this.#becomeOverdue());
  }

  #becomeOverdue(): void {
    this.#isOverdue = true;
    this.#sendDue();
  }

  /** From the first batch that waits for its ack, or from the last ack. */
  #awaitAck(): void {
    clearTimeout(this.#untilLate);
    this.#isAckLate = false;
    if (this.#unacknowledged.size === 0) return;
    this.#untilLate = setTimeout(() => {
      this.#isAckLate = true;
      if (this.state === "attached") this.#become("waiting");
    }, LATE_ACK_MS);
  }

  #sayEnd(type: "finalize" | "cancel"): void {
    if (this.#isEndSaid || !this.#connection.isAttached) return;
    this.#isEndSaid = true;
    this.#connection.say({type});
  }

  /** A page that nobody sees may stop soon. */
  #visibilityChanged(): void {
    if (globalThis.document?.visibilityState === "hidden") this.#becomeOverdue();
    else this.#connection.hasten();
  }

  #end(done: SessionDone, missedEvents: boolean): void {
    this.#over(null);
    this.acceptedFrames = done.accepted_frames_total;
    this.#ending.resolve(endOf(done, missedEvents));
  }

  #over(error: KynaError | null): void {
    this.#connection.leave();
    clearTimeout(this.#untilOverdue);
    clearTimeout(this.#untilLate);
    this.#ending.stop();
    globalThis.document?.removeEventListener("visibilitychange", this.#onVisibility);
    globalThis.window?.removeEventListener("offline", this.#onOffline);
    globalThis.window?.removeEventListener("online", this.#onOnline);
    this.#events.end(error);
    this.#progress.follow(null);
    this.#become("ended");
    this.#tellReady();
  }

  #tellReady(): void {
    this.#becomesReady?.();
    this.#becomesReady = null;
  }

  #become(state: StreamState): void {
    if (state === this.state || !this.#isOpen) return;
    this.state = state;
    tell(this.#options.onState, state);
  }
}

/**
 * Attach to a session.
 *
 * Batches are kept until their ack, and sent again after a lost connection. Numbers go on after
 * those of a page before it, so that a page that is loaded anew goes on with its session.
 */
export function createStream(session: StreamSession, options: StreamOptions = {}): Stream {
  return new SessionStream(session, options);
}
