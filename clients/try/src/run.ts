/** A run: its angle over time, repetitions, attempts, holds, phases and cues. */

import type {
  CheckResult,
  DetectionEvent,
  HoldProgress,
  Moment,
  MovementSummary,
  Pose,
  RepetitionMetrics,
} from "@kynaplatform/web";
import {AngleMeter} from "./angles.js";
import {isFarther} from "./depth.js";
import type {Engine, ShownMovement} from "./page_data.js";
import type {Attempted} from "./reasons.js";
import type {Target} from "./target.js";

/** How long a pose is kept for a repetition that may yet be told: longer than one takes. */
const POSES_MS = 10_000;
/** How long before its end a hold is seen as it was: it is told late, and ends as it is let go. */
const LETTING_GO_MS = 1_000;

/** Times here are those of the frames, in milliseconds from the run's first moment. */
export interface Point {
  readonly ms: number;
  /** Null where the angle is not known. */
  readonly degrees: number | null;
}
export interface Repetition {
  readonly ms: number;
  readonly side: string | null;
  /** How it was, null where an older server does not say. */
  readonly metrics: RepetitionMetrics | null;
}
/** What did not count. */
export interface Attempt extends Attempted {
  readonly ms: number;
  readonly side: string | null;
  readonly metrics?: {readonly checks?: readonly CheckResult[]};
}
/** A phase that held; `endMs` is null while it does. */
export interface Stay {
  readonly phase: string;
  readonly startMs: number;
  endMs: number | null;
}
export interface Cue {
  readonly ms: number;
  readonly level: string;
  readonly message: string;
}

/** A pose, and the angle that carries the movement there. */
interface Posed {
  readonly ms: number;
  readonly degrees: number;
  readonly pose: Pose;
}

export class Run {
  readonly movement: ShownMovement;
  readonly target: Target | null;
  /** Of its cues. */
  readonly language: string;
  /** What the server has counted, once the session has ended; null if it did not say. */
  counted: MovementSummary | null = null;
  /** All events, as they came. */
  readonly events: DetectionEvent[] = [];
  /** The pose in which a repetition was farthest from where the movement rests; one of a hold. */
  farthest: Posed | null = null;
  readonly points: Point[] = [];
  readonly repetitions: Repetition[] = [];
  readonly attempts: Attempt[] = [];
  /** Of the hold that goes on, and of the longest so far. */
  heldMs = 0;
  longestMs = 0;
  readonly stays: Stay[] = [];
  readonly cues: Cue[] = [];
  readonly #meter: AngleMeter;
  readonly #known = new Set<string>();
  #firstMs: number | null = null;
  #poses: Posed[] = [];

  constructor(
    movement: ShownMovement,
    engine: Engine,
    target: Target | null = null,
    language: string | null = null,
  ) {
    this.movement = movement;
    this.target = target;
    this.language = language ?? "en";
    this.#meter = new AngleMeter(movement.angle, engine);
  }

  /** How long it has lasted, in milliseconds. */
  get lastMs(): number {
    return this.points.at(-1)?.ms ?? 0;
  }

  add(moment: Moment): void {
    this.#firstMs ??= moment.timestampMs;
    const ms = moment.timestampMs - this.#firstMs;
    const degrees = this.#meter.feed(moment);
    this.points.push({ms, degrees});
    if (degrees === null || !moment.landmarks) return;
    this.#poses.push({ms, degrees, pose: moment.landmarks});
    while (ms - (this.#poses[0]?.ms ?? ms) > POSES_MS) this.#poses.shift();
  }

  /** Add an event, once however often it comes. Returns whether it is new. */
  take(event: DetectionEvent): boolean {
    if (this.#known.has(event.event_id)) return false;
    this.#known.add(event.event_id);
    this.events.push(event);
    const ms = event.ts_ms - (this.#firstMs ?? event.ts_ms);
    switch (event.type) {
      case "event_completed":
        this.repetitions.push({
          ms,
          side: event.payload.side ?? null,
          metrics: event.payload.metrics ?? null,
        });
        this.#keepFarthest(ms);
        break;
      case "event_interrupted":
        this.attempts.push({...event.payload, ms, side: event.payload.side ?? null});
        break;
      case "feedback":
        this.cues.push({ms, level: event.payload.level, message: event.payload.message});
        break;
      case "shape_enter":
        this.stays.push({phase: event.payload.shape_key, startMs: ms, endMs: null});
        break;
      case "shape_exit":
        this.#leave(event.payload.shape_key, ms);
    }
    return true;
  }

  /** Take a hold as it goes on; null once it is over. */
  hold(progress: HoldProgress | null): void {
    this.heldMs = progress?.heldMs ?? 0;
    if (this.heldMs <= this.longestMs) return;
    this.longestMs = this.heldMs;
    const startMs = this.stays.at(-1)?.startMs ?? 0;
    const heldUntilMs = startMs + this.heldMs - LETTING_GO_MS;
    const held = this.#poses.filter(({ms}) => ms >= startMs && ms <= heldUntilMs);
    this.farthest = held.at(-1) ?? this.farthest;
  }

  /** Look at the poses of the repetition that ended at `endMs`. */
  #keepFarthest(endMs: number): void {
    if (this.movement.hold_ms !== null) return;
    for (const one of this.#poses.filter(({ms}) => ms <= endMs)) {
      if (isFarther(this.movement, one.degrees, this.farthest?.degrees ?? null)) {
        this.farthest = one;
      }
    }
    this.#poses = this.#poses.filter(({ms}) => ms > endMs);
  }

  #leave(phase: string, ms: number): void {
    const stay = this.stays.find((one) => one.phase === phase && one.endMs === null);
    if (stay) stay.endMs = ms;
  }
}
