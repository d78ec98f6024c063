/**
 * The angle of a body as the platform's engine measures it, for the trace.
 *
 * The formulas are those of docs/engine.md, under "Segments" and "Angles", but for lost tracking.
 */

import type {Landmark, Moment, Pose} from "@kynaplatform/web";
import type {Angle} from "./page_data.js";

// The engine's settings of these names.
const DEPTH_WEIGHT = 0.15;
const MIN_VISIBILITY = 0.5;
const SMOOTHING_MS = 80;
const MAX_WEIGHT_M2 = 0.1;
const SHORTEST_SEGMENT_M = 0.08;
const LENGTHEN_MS = 200;
const SHORTEN_MS = 60_000;
const DEPTH_MS = 200;
const SEEN_SHARE = 0.5;
const FRESH_MS = 250;
const JUMP_DEGREES = 25;
const JUMP_DEGREES_PER_MS = 0.4;
const POSE_LOST_MS = 2_000;
const LEAST_WEIGHT_M2 = 1e-4;

/** From one landmark to another, with a depth that can be believed. */
class Segment {
  x = 0;
  y = 0;
  z = 0;
  /** Square metres of what the image shows. */
  flat = 0;
  /** Square metres; 0 where it is not seen. */
  square = 0;
  visibility = 0;
  /** The same segment of the other side, as long as this one. */
  other: Segment = this;
  #length = 0;
  #depth = 0;
  #longer = 0;

  constructor(
    readonly from: number,
    readonly to: number,
  ) {}

  measure(pose: Pose, sinceMs: number): void {
    const from = pose[this.from] as Landmark;
    const to = pose[this.to] as Landmark;
    this.visibility = Math.min(from.visibility ?? 1, to.visibility ?? 1);
    this.square = 0;
    if (this.visibility < MIN_VISIBILITY) return;
    this.x = to.x - from.x;
    this.y = to.y - from.y;
    const seenZ = to.z - from.z;
    this.flat = this.x ** 2 + this.y ** 2;
    this.#follow(seenZ, sinceMs);
    const shown = SEEN_SHARE * Math.max(this.#length, this.other.#length);
    const missing = shown ** 2 - this.flat;
    const z = DEPTH_WEIGHT * seenZ;
    this.z = missing > z ** 2 ? Math.sign(this.#depth) * Math.sqrt(missing) : z;
    this.square = this.flat + this.z ** 2;
  }

  /** Keep the length that the image has lately shown, and the mean of the depth. */
  #follow(seenZ: number, sinceMs: number): void {
    if (this.#length === 0) {
      this.#length = Math.sqrt(this.flat);
      this.#depth = seenZ;
    } else if (this.flat <= this.#length ** 2) {
      this.#length -= (this.#length * sinceMs) / (SHORTEN_MS + sinceMs);
      this.#longer = 0;
    } else {
      const sure = Math.sqrt(Math.min(this.flat, this.#longer));
      if (sure > this.#length) {
        this.#length += ((sure - this.#length) * sinceMs) / (LENGTHEN_MS + sinceMs);
      }
      this.#longer = this.flat;
    }
    this.#depth += ((seenZ - this.#depth) * sinceMs) / (DEPTH_MS + sinceMs);
  }
}

/** The angle of one side of the body: a mean over recent frames. */
class SideAngle {
  degrees: number | null = null;
  weight = 0;
  #unseenMs = 0;
  #last = 0;
  /** What a jump has led to that the next frame has not confirmed. */
  #doubted: number | null = null;

  /** Two segments that meet where both begin, or one that leans. */
  constructor(readonly segments: readonly [Segment, Segment?]) {}

  /** `keep` is the share of what is known that remains. */
  measure(sinceMs: number, keep: number): void {
    this.#unseenMs += sinceMs;
    const known = this.weight * keep;
    this.weight = known;
    const isSeen = this.segments.every((one) => !one || one.square >= SHORTEST_SEGMENT_M ** 2);
    if (!isSeen) {
      this.#miss();
      return;
    }
    const [degrees, square] = this.#measured();
    if (this.#isDoubtful(degrees)) {
      this.#miss();
      return;
    }
    this.#unseenMs = 0;
    this.#last = degrees;
    const visibility = Math.min(...this.segments.map((segment) => segment?.visibility ?? 1));
    const weight = Math.min(square, MAX_WEIGHT_M2) * visibility ** 2 * (1 - keep);
    this.weight = known + weight;
    this.degrees =
      this.degrees === null ? degrees : (this.degrees * known + degrees * weight) / this.weight;
  }

  #miss(): void {
    if (this.#unseenMs > FRESH_MS) {
      this.degrees = null;
      this.weight = 0;
    }
  }

  #isDoubtful(degrees: number): boolean {
    const before = this.#doubted;
    this.#doubted = null;
    if (this.degrees === null || !this.#isJump(degrees - this.#last)) return false;
    this.#doubted = degrees;
    return before === null || this.#isJump(degrees - before);
  }

  #isJump(change: number): boolean {
    const most = Math.max(JUMP_DEGREES, JUMP_DEGREES_PER_MS * this.#unseenMs);
    return Math.abs(change) > most;
  }

  /** The angle in degrees, and what it weighs in square metres. */
  #measured(): [number, number] {
    const [one, other] = this.segments;
    if (!other) return [degreesOf(-one.y / Math.sqrt(one.square)), one.flat + LEAST_WEIGHT_M2];
    const dot = one.x * other.x + one.y * other.y + one.z * other.z;
    const both = (one.flat * other.flat) / (one.flat + other.flat + LEAST_WEIGHT_M2);
    return [degreesOf(dot / Math.sqrt(one.square * other.square)), both + LEAST_WEIGHT_M2];
  }
}

function degreesOf(cosine: number): number {
  return (Math.acos(Math.min(1, Math.max(-1, cosine))) * 180) / Math.PI;
}

/** One angle for the sides of a body. */
export class AngleMeter {
  readonly #angle: Angle;
  #segments: Segment[] = [];
  #sides: SideAngle[] = [];
  #lastMs: number | null = null;

  constructor(angle: Angle) {
    this.#angle = angle;
  }

  /** The angle in degrees as of a moment, later than the last; null where it is not known. */
  feed({timestampMs, landmarks}: Moment): number | null {
    if (!landmarks) return null;
    const isNew = this.#lastMs === null || timestampMs - this.#lastMs >= POSE_LOST_MS;
    const sinceMs = isNew ? 0 : timestampMs - (this.#lastMs as number);
    this.#lastMs = timestampMs;
    if (isNew) {
      this.#forget();
      // Each length first, since the other side's says of depth as well.
      for (const segment of this.#segments) segment.measure(landmarks, 0);
    }
    for (const segment of this.#segments) segment.measure(landmarks, sinceMs);
    const keep = isNew ? 0 : SMOOTHING_MS / (SMOOTHING_MS + sinceMs);
    for (const side of this.#sides) side.measure(sinceMs, keep);
    return this.#mean();
  }

  #forget(): void {
    const {kind, landmarks} = this.#angle;
    const segments = landmarks.map(([first = 0, second = 0, third = 0]): [Segment, Segment?] =>
      kind === "lean"
        ? [new Segment(first, second)]
        : [new Segment(second, first), new Segment(second, third)],
    );
    for (const part of [0, 1] as const) {
      const [one, other] = [segments[0]?.[part], segments[1]?.[part]];
      if (one && other) {
        one.other = other;
        other.other = one;
      }
    }
    this.#segments = segments.flat().filter((segment) => segment !== undefined);
    this.#sides = segments.map((pair) => new SideAngle(pair));
  }

  /** Of the sides that are known, by their weights. */
  #mean(): number | null {
    let [sum, weight] = [0, 0];
    for (const side of this.#sides) {
      if (side.degrees === null) continue;
      sum += side.degrees * side.weight;
      weight += side.weight;
    }
    return weight > 0 ? sum / weight : null;
  }
}
