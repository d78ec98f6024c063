/** Tells what is missing before anything counts: to the eye at once, and to the ear not too often. */

import type {Readiness} from "@kynaplatform/web";
import type {ShownMovement} from "./page_data.js";
import {neededText} from "./readiness.js";

/** Whoever steps back gets time to do it. */
const BETWEEN_MS = 2_500;

export interface Guidance {
  /** What to show for as long as it is so; null where it counts. */
  readonly shown: string | null;
  /** What to say now. */
  readonly said: string | null;
}

export class Guide {
  readonly #movement: ShownMovement;
  #last: string | null = null;
  #lastMs = Number.NEGATIVE_INFINITY;

  constructor(movement: ShownMovement) {
    this.#movement = movement;
  }

  take(readiness: Readiness, nowMs: number): Guidance {
    const shown = neededText(readiness, this.#movement);
    if (shown === null) {
      const isReached = this.#last !== null && readiness.state === "ready";
      if (isReached) this.#last = null;
      return {shown, said: isReached ? "Ready. Go!" : null};
    }
    if (shown === this.#last || nowMs - this.#lastMs < BETWEEN_MS) return {shown, said: null};
    this.#last = shown;
    this.#lastMs = nowMs;
    return {shown, said: shown};
  }
}
