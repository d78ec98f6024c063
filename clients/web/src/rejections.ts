import {tell} from "./callbacks.js";
import {KynaError} from "./errors.js";
import type {FrameAck} from "./messages.js";
import type {StreamOptions} from "./stream.js";

/** With nothing but rejected frames for so long, it is an error. */
const NOTHING_TAKEN_MS = 5_000;
/** Taken before, and sent again. */
const REPEATED = "frame_seq_not_increasing";
/** The end was asked for elsewhere, as by the API, or the target is reached. */
const ENDING = "session_ending";
const ADVICE: Readonly<Record<string, string>> = {
  image_landmarks: "Give world landmarks, in metres from the middle of the hips.",
  invalid_landmarks: "Give 33 landmarks with finite numbers, and a visibility of 0 to 1.",
  malformed_frame: "Give a finite timestampMs.",
  timestamp_not_increasing: "timestampMs has to grow, in milliseconds, over the whole session.",
  timestamp_beyond_session: "timestampMs is in milliseconds. Begin another session.",
  too_many_frames: "Give at most 240 frames a second of timestampMs, which is in milliseconds.",
};

/** The frames of a stream that are not taken; says where it takes none at all. */
export class Rejections {
  readonly #options: Pick<StreamOptions, "onRejected" | "onError">;
  /** Of the frames since the last one that was taken, by their reason. */
  #counts = new Map<string, number>();
  #sinceMs: number | null = null;
  #isWarned = false;
  #isTold = false;

  constructor(options: Pick<StreamOptions, "onRejected" | "onError">) {
    this.#options = options;
  }

  take(ack: FrameAck, isAnyTaken: boolean): void {
    const rejected = new Map<string, number>();
    for (const {reason} of ack.rejected_frames ?? []) {
      if (reason !== REPEATED) rejected.set(reason, (rejected.get(reason) ?? 0) + 1);
    }
    this.#note(rejected, isAnyTaken);
  }

  /** A frame that is not sent, since it can't be taken. */
  leaveOut(reason: string): void {
    this.#note(new Map([[reason, 1]]), false);
  }

  #note(rejected: ReadonlyMap<string, number>, isAnyTaken: boolean): void {
    for (const [reason, count] of rejected) tell(this.#options.onRejected, reason, count);
    if (isAnyTaken) {
      this.#counts.clear();
      this.#sinceMs = null;
      this.#isTold = false;
    }
    if (isAnyTaken || rejected.size === 0 || rejected.has(ENDING)) return;
    for (const [reason, count] of rejected) {
      this.#counts.set(reason, (this.#counts.get(reason) ?? 0) + count);
    }
    const nowMs = Date.now();
    this.#sinceMs ??= nowMs;
    if (!this.#isWarned) console.warn(this.#message);
    this.#isWarned = true;
    if (this.#isTold || nowMs - this.#sinceMs < NOTHING_TAKEN_MS) return;
    this.#isTold = true;
    const details = Object.fromEntries(this.#counts);
    const told = {code: "frames_rejected", message: this.#message, retryable: false, details};
    tell(this.#options.onError, new KynaError(told));
  }

  get #message(): string {
    const reasons = [...this.#counts].map(
      ([reason, count]) => `${reason} (${count}). ${ADVICE[reason] ?? ""}`,
    );
    return `The platform takes none of the frames: ${reasons.join(" ")}`.trim();
  }
}
