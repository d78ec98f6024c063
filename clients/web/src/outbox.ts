/** The poses that wait to be sent, and the time alone once nobody is seen. */

import type {Moment} from "./pose.js";

/** After so long the engine loses a pose by a clock. */
const GONE_MS = 2_000;
/** The most poses that wait for a server that answers: 2 s of a camera. Later helps nobody. */
const SLOW_POSES = 60;
/** The most that wait for one that does not: a minute of a camera of 60 pictures a second. */
const AWAY_POSES = 3_600;

/** `clockMs` is how far time has come after the poses; null where nothing is to be told. */
export interface Parcel {
  readonly poses: readonly Moment[];
  readonly clockMs: number | null;
}

/** Poses are only left out by `keepUp`, and where nothing was sent for a minute and more. */
export class Outbox {
  /** Poses that were left out, since they would have come too late. */
  dropped = 0;
  #waiting: Moment[] = [];
  #poses = 0;
  #seenMs: number | null = null;
  #untoldMs: number | null = null;
  #most = SLOW_POSES;

  /** How many poses wait. */
  get poses(): number {
    return this.#poses;
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  /** Whether a time waits to be told, with all the poses before it. */
  get hasClock(): boolean {
    return this.#waiting.length > this.#poses;
  }

  /**
   * Add a pose, or a time at which nobody is seen.
   *
   * Of a stretch without poses, the first time by which the last pose is lost is kept. So the engine
   * is told of the same times whatever the batches, and of no more than it needs.
   */
  add(moment: Moment): void {
    if (moment.landmarks !== null) {
      this.#seenMs = moment.timestampMs;
      this.#untoldMs = null;
      this.#waiting.push(moment);
      this.#poses += 1;
      if (this.#poses > AWAY_POSES) this.#thin(AWAY_POSES / 2);
    } else if (this.#seenMs !== null) {
      this.#untoldMs = moment.timestampMs;
      if (moment.timestampMs - this.#seenMs >= GONE_MS) this.#tellTime();
    }
  }

  /** Nothing more comes. A stretch without poses that ends too early keeps its last time. */
  finish(): void {
    if (this.#untoldMs !== null) this.#tellTime();
  }

  /** Let all that has waited for a server that was away be sent, as long as it becomes less. */
  allowBacklog(): void {
    this.#most = this.#poses + SLOW_POSES;
  }

  /**
   * Leave out poses, at even distances, if the server answers more slowly than the source gives.
   * The engine counts at a lower rate as well.
   */
  keepUp(): void {
    if (this.#poses > this.#most) this.#thin(SLOW_POSES / 2);
  }

  /** Take the oldest poses, at most `most`. A parcel ends where there is a time to tell. */
  take(most: number): Parcel {
    let count = this.#waiting.findIndex((moment) => moment.landmarks === null);
    const isTold = count !== -1 && count <= most;
    if (!isTold) count = Math.min(most, this.#waiting.length);
    const poses = this.#waiting.splice(0, count);
    this.#poses -= count;
    const clockMs = isTold ? (this.#waiting.shift()?.timestampMs ?? null) : null;
    this.#most = Math.max(SLOW_POSES, Math.min(this.#most, this.#poses + SLOW_POSES));
    return {poses, clockMs};
  }

  #tellTime(): void {
    this.#waiting.push({timestampMs: this.#untoldMs ?? 0, landmarks: null});
    this.#seenMs = this.#untoldMs = null;
  }

  #thin(most: number): void {
    const [first, last] = [this.#waiting[0], this.#waiting.at(-1)];
    const apartMs = ((last?.timestampMs ?? 0) - (first?.timestampMs ?? 0)) / most;
    let keptMs = Number.NEGATIVE_INFINITY;
    let isSeen = true; // the pose before the first of these was sent
    let poses = 0;
    this.#waiting = this.#waiting.filter(({landmarks, timestampMs}) => {
      // A time tells that a pose is lost. Where that pose was left out, it would be sent alone.
      const isKept = landmarks === null ? isSeen : timestampMs - keptMs >= apartMs;
      if (!isKept) return false;
      isSeen = landmarks !== null;
      if (isSeen) {
        keptMs = timestampMs;
        poses += 1;
      }
      return true;
    });
    this.dropped += this.#poses - poses;
    this.#poses = poses;
  }
}
