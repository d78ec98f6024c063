/** What is told during a run: praise by number, and silence between. */

import type {Cue} from "./run.js";
import type {Target} from "./target.js";

export class Coach {
  readonly #target: Target | null;
  /** The praise that the last repetition earned, and this one. */
  #before = new Set<string>();
  #now = new Set<string>();
  #isCorrected = false;
  #isHalfTold = false;

  constructor(target: Target | null) {
    this.#target = target;
  }

  /** Whether a cue is news. Praise is not, where the repetition before has earned it as well. */
  isNews({level, message}: Cue): boolean {
    if (level !== "success") {
      this.#isCorrected ||= level === "coaching";
      return true;
    }
    const isNews = !this.#before.has(message) && !this.#now.has(message);
    this.#now.add(message);
    return isNews;
  }

  /** What to say of a hold that goes on, or is over at 0; null for silence. */
  hold(heldMs: number, targetMs: number): string | null {
    const isHalf = heldMs >= targetMs / 2 && heldMs < targetMs;
    const isNews = isHalf && !this.#isHalfTold;
    this.#isHalfTold = heldMs > 0 && (this.#isHalfTold || isHalf);
    return isNews ? "Halfway." : null;
  }

  /** What to say of the repetition with this number; null for silence. */
  complete(number: number): string | null {
    const isCorrected = this.#isCorrected;
    this.#before = this.#now;
    this.#now = new Set();
    this.#isCorrected = false;
    const goal = this.#target?.kind === "repetitions" ? this.#target.amount : null;
    if (number === goal) return `${number}. Done!`;
    // A correction is worth more than praise.
    if (isCorrected) return null;
    if (goal !== null && number === goal - 1) return "One more.";
    if (goal !== null && goal >= 6 && number * 2 === goal) return `${number}. Halfway.`;
    if (number % 10 === 0) return `${number}. Well done.`;
    return number % 5 === 0 ? `${number}. Keep it up.` : null;
  }
}
