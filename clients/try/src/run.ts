/** A run: its angle over time, repetitions, interruptions, phases and cues. */

import type {DetectionEvent, Moment} from "@kynaplatform/web";
import {AngleMeter} from "./angles.js";
import type {Engine, Movement} from "./page_data.js";

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
  readonly #meter: AngleMeter;
  readonly #known = new Set<string>();
  #firstMs: number | null = null;

  constructor(movement: Movement, engine: Engine) {
    this.movement = movement;
    this.#meter = new AngleMeter(movement.angle, engine);
  }

  /** How long it has lasted, in milliseconds. */
  get lastMs(): number {
    return this.points.at(-1)?.ms ?? 0;
  }

  add(moment: Moment): void {
    this.#firstMs ??= moment.timestampMs;
    const ms = moment.timestampMs - this.#firstMs;
    this.points.push({ms, degrees: this.#meter.feed(moment)});
  }

  /** Add an event, once however often it comes. Returns whether it is new. */
  take(event: DetectionEvent): boolean {
    if (this.#known.has(event.event_id)) return false;
    this.#known.add(event.event_id);
    const ms = event.ts_ms - (this.#firstMs ?? event.ts_ms);
    switch (event.type) {
      case "event_completed":
        this.repetitions.push({ms, score: event.payload.score});
        break;
      case "event_interrupted":
        this.interruptions.push({ms, reason: event.payload.reason});
        break;
      case "feedback":
        this.cues.push({ms, ...event.payload});
        break;
      case "shape_enter":
        this.stays.push({phase: event.payload.shape_key, startMs: ms, endMs: null});
        break;
      case "shape_exit":
        this.#leave(event.payload.shape_key, ms);
    }
    return true;
  }

  #leave(phase: string, ms: number): void {
    const stay = this.stays.find((one) => one.phase === phase && one.endMs === null);
    if (stay) stay.endMs = ms;
  }
}
