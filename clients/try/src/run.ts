/** What came of one run: the angle over time, repetitions, interruptions, phases and cues. */

import type {DetectionEvent, Moment} from "@kynaplatform/web";
import {AngleMeter} from "./angles.js";
import type {Movement} from "./page_data.js";

/** Times here are those of the frames, in milliseconds from the run's first moment. */
export interface Point {
  readonly ms: number;
  /** Null where the angle is not known. */
  readonly degrees: number | null;
}
export interface Repetition {
  readonly ms: number;
  /** 0 to 1. */
  readonly score: number | null;
}
export interface Interruption {
  readonly ms: number;
  readonly reason: string;
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

export class Run {
  readonly movement: Movement;
  readonly points: Point[] = [];
  readonly repetitions: Repetition[] = [];
  readonly interruptions: Interruption[] = [];
  readonly stays: Stay[] = [];
  readonly cues: Cue[] = [];
  readonly #meter: AngleMeter | null;
  readonly #known = new Set<string>();
  #firstMs: number | null = null;

  constructor(movement: Movement) {
    this.movement = movement;
    const [carrying] = movement.angles;
    this.#meter = carrying ? new AngleMeter(carrying) : null;
  }

  /** How long it has lasted, in milliseconds. */
  get lastMs(): number {
    return this.points.at(-1)?.ms ?? 0;
  }

  add(moment: Moment): void {
    this.#firstMs ??= moment.timestampMs;
    const ms = moment.timestampMs - this.#firstMs;
    this.points.push({ms, degrees: this.#meter?.feed(moment) ?? null});
  }

  /** Take an event in, once however often it comes; whether it is new. */
  take({event_id, type, ts_ms, payload}: DetectionEvent): boolean {
    if (this.#known.has(event_id)) return false;
    this.#known.add(event_id);
    const ms = ts_ms - (this.#firstMs ?? ts_ms);
    const {score = null, reason, shape_key: phase, level, message} = payload as Payload;
    if (type === "event_completed") this.repetitions.push({ms, score});
    else if (type === "event_interrupted") this.interruptions.push({ms, reason});
    else if (type === "shape_enter") this.stays.push({phase, startMs: ms, endMs: null});
    else if (type === "feedback") this.cues.push({ms, level, message});
    else if (type === "shape_exit") {
      const stay = this.stays.find((one) => one.phase === phase && one.endMs === null);
      if (stay) stay.endMs = ms;
    }
    return true;
  }
}

/** Of an event; each type has some of these. */
interface Payload {
  readonly score: number | null;
  readonly reason: string;
  readonly shape_key: string;
  readonly level: string;
  readonly message: string;
}
