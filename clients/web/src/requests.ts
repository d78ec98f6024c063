import {Backoff} from "./backoff.js";
import {type Failure, KynaError} from "./errors.js";

const ANSWER_MS = 30_000;
const DEADLINE_MS = 60_000;
const SHORTEST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 5_000;
/** They pass: a limit, a restart, a proxy that finds no server. */
const PASSING = new Set([429, 502, 503, 504]);

/** Of one call. */
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
  /** The platform's address, such as https://kyna.example. */
  readonly baseUrl: string;
  /**
   * Gives an access token, from the page's own back end: a browser holds no key. It is asked once,
   * and again, with `refresh`, after the platform has refused its last token.
   */
  readonly tokenProvider: (asked: {refresh: boolean}) => string | Promise<string>;
  readonly fetch?: typeof globalThis.fetch | undefined;
  /** So many milliseconds (60,000) what may pass is waited out. */
  readonly deadlineMs?: number | undefined;
}

/**
 * Requests of which a second one does what the first did: so each is sent again where its answer was
 * lost, or said that it may be.
 */
export class Requests {
  readonly #options: RequestsOptions;
  readonly #baseUrl: string;
  #token: Promise<string> | null = null;

  constructor(options: RequestsOptions) {
    this.#options = options;
    this.#baseUrl = options.baseUrl.replace(/\/+$/, "");
  }

  /** Rejects with a KynaError, or with the reason of an aborted `signal`. */
  async ask<Body>(asked: Asked): Promise<Answer<Body>> {
    const deadline = Date.now() + (this.#options.deadlineMs ?? DEADLINE_MS);
    const backoff = new Backoff(SHORTEST_WAIT_MS, LONGEST_WAIT_MS);
    let isTokenNew = false;
    for (;;) {
      const {failure, retryAfterMs, answer} = await this.#askOnce<Body>(asked);
      if (answer) return answer;
      if (failure.status === 401 && !isTokenNew) {
        isTokenNew = true;
        this.#token = this.#mint(true);
        continue;
      }
      const waitMs = retryAfterMs + backoff.next();
      const mayPass = failure.status === undefined || PASSING.has(failure.status);
      if (!mayPass || Date.now() + waitMs > deadline) throw failure;
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

  #mint(refresh: boolean): Promise<string> {
    return Promise.resolve(this.#options.tokenProvider({refresh}));
  }

  async #askOnce<Body>(
    asked: Asked,
  ): Promise<
    | {answer: Answer<Body>; failure?: never; retryAfterMs?: never}
    | {answer?: never; failure: KynaError; retryAfterMs: number}
  > {
    this.#token ??= this.#mint(false);
    const token = await this.#token.catch((error) => {
      this.#token = null; // the next request asks anew
      throw error;
    });
    const timeout = AbortSignal.timeout(ANSWER_MS);
    const ask = this.#options.fetch ?? globalThis.fetch;
    try {
      const response = await ask(this.#baseUrl + asked.path, {
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
      const text = await response.text();
      if (response.ok) {
        return {answer: {body: JSON.parse(text), next: nextPath(response.headers.get("Link"))}};
      }
      const seconds = Number(response.headers.get("Retry-After"));
      return {
        failure: refusal(response.status, text),
        retryAfterMs: Number.isFinite(seconds) ? 1000 * seconds : 0,
      };
    } catch (cause) {
      asked.signal?.throwIfAborted();
      const message = `${this.#baseUrl} does not answer. Check the connection, and try again.`;
      const failure = new KynaError({code: "unreachable", message, retryable: true}, {cause});
      return {failure, retryAfterMs: 0};
    }
  }
}

/** By the address that we were given: the server may know itself by another name. */
function nextPath(link: string | null): string | null {
  const next = link?.match(/<([^>]*)>; *rel="next"/)?.[1];
  if (!next) return null;
  const {pathname, search} = new URL(next, "http://any.invalid");
  return pathname + search;
}

function refusal(status: number, text: string): KynaError {
  let failure: Failure | undefined;
  try {
    failure = JSON.parse(text).error;
  } catch {
    // A proxy's page.
  }
  const message = `The server answered ${status}, and not as the platform does.`;
  const unexpected = {code: "unexpected_answer", message, retryable: PASSING.has(status)};
  return new KynaError(failure?.code ? failure : unexpected, {status});
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
