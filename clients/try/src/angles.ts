/**
 * The angle of a body as the platform's engine measures it, for the trace.
 *
 * The formulas are those of docs/engine.md, under "Segments" and "Angles", but for lost tracking.
 */

import type {Landmark, Moment, Pose} from "@kynaplatform/web";
import type {Angle, Engine} from "./page_data.js";

/** From one landmark to another. */
type Pair = readonly [number, number];

/** The mean of its pairs that are in sight, with a depth that can be believed. */
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
    readonly engine: Engine,
    readonly pairs: readonly Pair[],
  ) {}

  measure(pose: Pose, sinceMs: number): void {
    this.square = this.x = this.y = 0;
    this.visibility = 1;
    let [seen, seenZ] = [0, 0];
    for (const [from, to] of this.pairs.map((pair) => pair.map((index) => pose[index]))) {
      const [begin, end] = [from as Landmark, to as Landmark];
      const visibility = Math.min(begin.visibility ?? 1, end.visibility ?? 1);
      if (visibility < this.engine.min_visibility) continue;
      this.visibility = Math.min(this.visibility, visibility);
      this.x += end.x - begin.x;
      this.y += end.y - begin.y;
      seenZ += end.z - begin.z;
      seen += 1;
    }
    if (seen === 0) return;
    this.x /= seen;
    this.y /= seen;
    seenZ /= seen;
    this.flat = this.x ** 2 + this.y ** 2;
    const longest = this.engine.max_segment_m;
    if (this.flat >= longest ** 2 || Math.abs(seenZ) >= longest) return;
    this.#follow(seenZ, sinceMs);
    const shown = this.engine.seen_share * Math.max(this.#length, this.other.#length);
    const missing = shown ** 2 - this.flat;
    const z = this.engine.depth_weight * seenZ;
    this.z = missing > z ** 2 ? Math.sqrt(missing) * (this.#depth > 0 ? 1 : -1) : z;
    this.square = this.flat + this.z ** 2;
  }

  /** Keep the length that the image has lately shown, and the mean of the depth. */
  #follow(seenZ: number, sinceMs: number): void {
    const {lengthen_ms, shorten_ms, depth_ms} = this.engine;
    if (this.#length === 0) {
      this.#length = Math.sqrt(this.flat);
      this.#depth = seenZ;
    } else if (this.flat <= this.#length ** 2) {
      this.#length -= (this.#length * sinceMs) / (shorten_ms + sinceMs);
      this.#longer = 0;
    } else {
      const sure = Math.sqrt(Math.min(this.flat, this.#longer));
      if (sure > this.#length) {
        this.#length += ((sure - this.#length) * sinceMs) / (lengthen_ms + sinceMs);
      }
      this.#longer = this.flat;
    }
    this.#depth += ((seenZ - this.#depth) * sinceMs) / (depth_ms + sinceMs);
  }
}

/** An angle of the body, of one side or of the trunk: a mean over recent frames. */
class SideAngle {
  degrees: number | null = null;
  weight = 0;
  #unseenMs = 0;
  #last = 0;
  /** What a jump has led to that the next frame has not confirmed. */
  #doubted: number | null = null;

  /** Two segments that meet where both begin, or one against the vertical. */
  constructor(
    readonly engine: Engine,
    readonly one: Segment,
    readonly other: Segment | null,
  ) {}

  get segments(): readonly Segment[] {
    return this.other ? [this.one, this.other] : [this.one];
  }

  /** `keep` is the share of what is known that remains. */
  measure(sinceMs: number, keep: number): void {
    this.#unseenMs += sinceMs;
    const known = this.weight * keep;
    this.weight = known;
    const {one, other, engine} = this;
    const shortest = engine.min_segment_m ** 2;
    if (this.segments.some(({square}) => square < shortest)) {
      this.#miss();
      return;
    }
    const degrees = degreesOf(other ? cosineOf(one, other) : -one.y / Math.sqrt(one.square));
    if (this.#isDoubtful(degrees)) {
      this.#miss();
      return;
    }
    this.#unseenMs = 0;
    this.#last = degrees;
    const least = engine.min_weight_m2;
    const flat = other ? (one.flat * other.flat) / (one.flat + other.flat + least) : one.flat;
    const square = flat + least;
    const visibility = Math.min(...this.segments.map((segment) => segment.visibility));
    const weight = Math.min(square, engine.max_weight_m2) * visibility ** 2 * (1 - keep);
    this.weight = known + weight;
    this.degrees =
      this.degrees === null ? degrees : (this.degrees * known + degrees * weight) / this.weight;
  }

  #miss(): void {
    if (this.#unseenMs > this.engine.fresh_ms) {
      this.degrees = null;
      this.weight = 0;
    }
  }

  #isDoubtful(degrees: number): boolean {
    const before = this.#doubted;
    this.#doubted = null;
    if (this.degrees === null || !this.#isJump(degrees - this.#last)) return false;
    if (before !== null && !this.#isJump(degrees - before)) return false;
    this.#doubted = degrees;
    return true;
  }

  #isJump(change: number): boolean {
    const {jump_degrees, jump_degrees_per_ms} = this.engine;
    return Math.abs(change) > Math.max(jump_degrees, jump_degrees_per_ms * this.#unseenMs);
  }
}

function cosineOf(one: Segment, other: Segment): number {
  const dot = one.x * other.x + one.y * other.y + one.z * other.z;
  return dot / Math.sqrt(one.square * other.square);
}

function degreesOf(cosine: number): number {
  return (Math.acos(Math.min(1, Math.max(-1, cosine))) * 180) / Math.PI;
}

/** One angle for both sides of a body, measured with the engine's settings. */
export class AngleMeter {
  readonly #angle: Angle;
  readonly #engine: Engine;
  #segments: Segment[] = [];
  #sides: SideAngle[] = [];
  #lastMs: number | null = null;

  constructor(angle: Angle, engine: Engine) {
    this.#angle = angle;
    this.#engine = engine;
  }

  /** The angle in degrees as of a moment, later than the last; null where it is not known. */
  feed({timestampMs, landmarks}: Moment): number | null {
    if (!landmarks) return null;
    const {pose_lost_ms, smoothing_ms} = this.#engine;
    const isNew = this.#lastMs === null || timestampMs - this.#lastMs >= pose_lost_ms;
    const sinceMs = isNew ? 0 : timestampMs - (this.#lastMs as number);
    this.#lastMs = timestampMs;
    if (isNew) {
      this.#forget();
      // Each length first, since the other side's says of depth as well.
      for (const segment of this.#segments) segment.measure(landmarks, 0);
    }
    for (const segment of this.#segments) segment.measure(landmarks, sinceMs);
    const keep = isNew ? 0 : smoothing_ms / (smoothing_ms + sinceMs);
    for (const side of this.#sides) side.measure(sinceMs, keep);
    return this.#mean();
  }

  #forget(): void {
    this.#sides = this.#madeSides();
    const [left, right] = this.#sides;
    for (const [index, segment] of (left?.segments ?? []).entries()) {
      const opposite = right?.segments[index];
      if (!opposite) continue;
      segment.other = opposite;
      opposite.other = segment;
    }
    this.#segments = this.#sides.flatMap(({segments}) => segments);
  }

  #madeSides(): SideAngle[] {
    const engine = this.#engine;
    const {measure, landmarks} = this.#angle;
    // The trunk is in the middle of both sides.
    if (measure === "trunk") {
      return [new SideAngle(engine, new Segment(engine, landmarks as readonly Pair[]), null)];
    }
    return landmarks.map(([first, second, third]) => {
      if (third === undefined) {
        return new SideAngle(engine, new Segment(engine, [[first, second]]), null);
      }
      const [one, other] = [
        new Segment(engine, [[second, first]]),
        new Segment(engine, [[second, third]]),
      ];
      return new SideAngle(engine, one, other);
    });
  }

  /** Of the sides that are known, by their weights. */
  #mean(): number | null {
    const known = this.#sides.filter(({degrees}) => degrees !== null);
    if (known.length === 0) return null;
    const weights = known.reduce((sum, {weight}) => sum + weight, 0);
    const shareOf = ({weight}: SideAngle) => (weights > 0 ? weight / weights : 1 / known.length);
    return known.reduce((sum, side) => sum + shareOf(side) * (side.degrees ?? 0), 0);
  }
}
