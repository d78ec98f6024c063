import {platformAddress} from "./addresses.js";
import {Backoff} from "./backoff.js";
import {type Failure, KynaError} from "./errors.js";

const ANSWER_MS = 30_000;
const DEADLINE_MS = 60_000;
const MIN_WAIT_MS = 500;
const MAX_WAIT_MS = 5_000;
/** Statuses that pass: of a limit, a restart, a proxy that finds no server. */
const PASSING = new Set([429, 502, 503, 504]);

/** The options of one call. */
export interface CallOptions {
  /** Ends the call, and what it waits for. */
  readonly signal?: AbortSignal | undefined;
}

export interface Asked extends CallOptions {
  readonly method: "GET" | "POST";
  /** With its query. */
  readonly path: string;
  readonly body?: object | undefined;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Answer<Body> {
  readonly body: Body;
  /** The path of the list's next page. */
  readonly next: string | null;
}

export interface RequestsOptions {
  /** The platform's address, such as https://kyna.example; in a page also a path of its own host. */
  readonly baseUrl: string;
  /**
   * Gives an access token, from the page's own back end: a browser holds no key. It is asked once,
   * and again, with `refresh`, after the platform has refused its last token.
   */
  readonly tokenProvider: (asked: {refresh: boolean}) => string | Promise<string>;
  readonly fetch?: typeof globalThis.fetch | undefined;
  /** How long a failure that may pass is waited out, in milliseconds (60,000). */
  readonly deadlineMs?: number | undefined;
}

/**
 * The requests of a client, which are idempotent: each is sent again if its answer was lost, or says
 * that it may be.
 */
export class Requests {
  readonly #options: RequestsOptions;
  readonly #baseUrl: string;
  #token: Promise<string> | null = null;

  constructor(options: RequestsOptions) {
    this.#options = options;
    this.#baseUrl = platformAddress(options.baseUrl);
  }

  /** Rejects with a KynaError, or with the reason of an aborted `signal`. */
  async ask<Body>(asked: Asked): Promise<Answer<Body>> {
    const deadline = Date.now() + (this.#options.deadlineMs ?? DEADLINE_MS);
    const backoff = new Backoff(MIN_WAIT_MS, MAX_WAIT_MS);
    let isTokenNew = false;
    for (;;) {
      const minted = this.#minted();
      const failure = await this.#askOnce<Body>(asked, await this.#read(minted));
      if (!(failure instanceof Failed)) return failure;
      const {error, retryAfterMs} = failure;
      if (error.status === 401 && !isTokenNew) {
        isTokenNew = true;
        // Another call may have asked for a new one meanwhile.
        if (this.#token === minted) this.#token = this.#mint(true);
        continue;
      }
      const waitMs = retryAfterMs + backoff.next();
      const mayPass = error.status === undefined || PASSING.has(error.status);
      if (!mayPass || Date.now() + waitMs > deadline) throw error;
      await pause(waitMs, asked.signal);
    }
  }

  /** The items of all pages. */
  async *list<Item>(path: string, options: CallOptions): AsyncGenerator<Item, void, undefined> {
    for (let next: string | null = path; next; ) {
      const page: Answer<Item[]> = await this.ask({method: "GET", path: next, ...options});
      yield* page.body;
      next = page.next;
    }
  }

  #minted(): Promise<string> {
    this.#token ??= this.#mint(false);
    return this.#token;
  }

  async #mint(refresh: boolean): Promise<string> {
    const token = await this.#options.tokenProvider({refresh});
    if (!/^[!-~]+$/.test(token)) throw new TypeError("It is no token.");
    return token;
  }

  async #read(minted: Promise<string>): Promise<string> {
    try {
      return await minted;
    } catch (cause) {
      if (this.#token === minted) this.#token = null; // the next call asks anew
      const message = "This page's own server gave no access token.";
      throw new KynaError({code: "token_unavailable", message, retryable: true}, {cause});
    }
  }

  async #askOnce<Body>(asked: Asked, token: string): Promise<Answer<Body> | Failed> {
    const timeout = AbortSignal.timeout(ANSWER_MS);
    const ask = this.#options.fetch ?? globalThis.fetch;
    let response: Response;
    let text: string;
    try {
      response = await ask(this.#baseUrl + asked.path, {
        method: asked.method,
        headers: {
          Authorization: `Bearer ${token}`,
          ...(asked.body && {"Content-Type": "application/json"}),
          ...asked.headers,
        },
        body: asked.body ? JSON.stringify(asked.body) : null,
        signal: asked.signal ? AbortSignal.any([asked.signal, timeout]) : timeout,
        cache: "no-store",
      });
      text = await response.text();
    } catch (cause) {
      asked.signal?.throwIfAborted();
      return new Failed(unreachable(this.#baseUrl, cause));
    }
    if (!response.ok) return new Failed(refusal(response.status, text), response);
    const body = parsed(text);
    if (body === undefined) return new Failed(unexpected(response.status, false));
    return {body: body as Body, next: nextPath(asked.path, response.headers.get("Link"))};
  }
}

/** The failure of a request that was refused, or not answered. */
class Failed {
  readonly error: KynaError;
  readonly retryAfterMs: number;

  constructor(error: KynaError, response?: Response) {
    this.error = error;
    const seconds = Number(response?.headers.get("Retry-After"));
    this.retryAfterMs = Number.isFinite(seconds) ? 1000 * seconds : 0;
  }
}

function unreachable(baseUrl: string, cause: unknown): KynaError {
  const message =
    `${baseUrl} does not answer. Check the connection. In a browser, check also that the ` +
    "platform allows this page's origin (CORS_ALLOWED_ORIGINS), and the page's policy the platform.";
  return new KynaError({code: "unreachable", message, retryable: true}, {cause});
}

function unexpected(status: number, retryable: boolean): KynaError {
  const message = `The answer (${status}) is none of the platform. Check baseUrl.`;
  return new KynaError({code: "unexpected_answer", message, retryable}, {status});
}

/** The next page's path below our own address: the server may know itself by another name. */
function nextPath(path: string, link: string | null): string | null {
  const next = link?.match(/<([^>]*)>; *rel="next"/)?.[1];
  return next ? path.replace(/\?.*/, "") + new URL(next, "http://any.invalid").search : null;
}

function refusal(status: number, text: string): KynaError {
  const failure = (parsed(text) as {error?: Failure} | undefined)?.error;
  return failure?.code ? new KynaError(failure, {status}) : unexpected(status, PASSING.has(status));
}

/** The value of a JSON text; undefined for another, such as a proxy's page. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, ms);
    signal?.addEventListener("abort", stop, {once: true});
    if (signal?.aborted) stop();
  });
}
