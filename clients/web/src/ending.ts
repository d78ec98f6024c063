import {KynaError} from "./errors.js";
import type {SessionDone} from "./messages.js";
import type {StreamEnd, StreamState} from "./stream.js";
import {after} from "./timers.js";

/** The session's idle limit: one that could not be reached for so long has ended by itself. */
const END_MS = 120_000;

/** How a session ends for whoever waits for it. */
export class Ending {
  readonly promise: Promise<StreamEnd>;
  resolve: (end: StreamEnd) => void = () => {};
  reject: (error: KynaError) => void = () => {};
  #untilLate: ReturnType<typeof after>;
  #timeoutMs: number | null = null;
  readonly #onLate: (timeoutMs: number) => void;

  /** `onLate` is called once the end that was asked for is not told in time. */
  constructor(onLate: (timeoutMs: number) => void) {
    this.#onLate = onLate;
    this.promise = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
    this.promise.catch(() => {}); // whoever waits for it is told; nobody has to
  }

  /** Once its end was asked for, it has to come on within a time. The last that is given counts. */
  limit(timeoutMs: number | undefined): void {
    this.#timeoutMs = Number.isNaN(timeoutMs ?? Number.NaN) ? END_MS : Number(timeoutMs);
    this.comesOn();
  }

  /** The server has taken something: the time begins anew, where an end was asked for. */
  comesOn(): void {
    const timeoutMs = this.#timeoutMs;
    if (timeoutMs === null) return;
    this.stop();
    this.#untilLate = after(timeoutMs, () => this.#onLate(timeoutMs));
  }

  stop(): void {
    clearTimeout(this.#untilLate);
  }
}

export function endOf(done: SessionDone, missedEvents: boolean): StreamEnd {
  return {
    status: done.status,
    outcome: done.terminal_outcome,
    acceptedFrames: done.accepted_frames_total,
    repetitions: done.repetitions ?? null,
    interrupted: done.interrupted_total ?? null,
    summary: done.summary ?? null,
    quality: done.quality ?? null,
    endedBy: done.ended_by ?? null,
    error: done.error ?? null,
    missedEvents,
  };
}

/** The stream is left with so many poses that were not sent. */
export function endTimeout(
  timeout_ms: number,
  state: StreamState,
  unsent_poses: number,
): KynaError {
  const message = `The session's end was not told within ${timeout_ms / 1000} s, and the stream was left. The session goes on until its idle limit: attach to it again by another stream, or end it by the API.`;
  const details = {timeout_ms, state, unsent_poses};
  return new KynaError({code: "end_timeout", message, retryable: true, details});
}
