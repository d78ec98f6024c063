/** The number beside the picture: repetitions, or the seconds of a hold, and quietly how they were. */

import {attemptChecksText, checksText} from "./checks.js";
import {byId} from "./dom.js";
import {secondsText} from "./formatting.js";
import {checksOf, repetitionText} from "./measured.js";
import {reasonText} from "./reasons.js";
import type {Run} from "./run.js";
import {shareOf, underNumber} from "./target.js";

export class ScoreBoard {
  readonly #count = byId("count", HTMLElement);
  readonly #unit = byId("unit", HTMLElement);
  readonly #bar = byId("target-bar", HTMLProgressElement);
  readonly #last = byId("last", HTMLElement);
  readonly #attempts = byId("attempts", HTMLElement);

  get isCountingDown(): boolean {
    return this.#count.classList.contains("countdown");
  }

  countDown(left: number): void {
    this.#count.textContent = `${left}`;
    this.#count.classList.add("countdown");
    this.#unit.textContent = "until it counts";
  }

  show(run: Run): void {
    this.#count.classList.remove("countdown");
    this.#count.textContent = `${numberOf(run)}`;
    this.#last.textContent = lastText(run);
    this.#attempts.textContent = attemptsText(run);
    this.showTarget(run);
  }

  /** What time alone changes. */
  showTarget(run: Run): void {
    const {hold_ms} = run.movement;
    this.#unit.textContent =
      hold_ms === null ? underNumber(run.target, run) : `of ${Math.round(hold_ms / 1_000)} seconds`;
    this.#bar.hidden = run.target === null && hold_ms === null;
    this.#bar.value = hold_ms === null ? targetShare(run) : Math.min(1, run.heldMs / hold_ms);
  }
}

/** Whole seconds of a hold, or repetitions. */
function numberOf({movement, heldMs, repetitions}: Run): number {
  return movement.hold_ms === null ? repetitions.length : Math.floor(heldMs / 1_000);
}

function targetShare(run: Run): number {
  return run.target ? shareOf(run.target, run) : 0;
}

/** How the last repetition was, or what the hold has to beat. */
export function lastText(run: Run): string {
  if (run.movement.hold_ms !== null) {
    return run.longestMs > run.heldMs ? `Longest: ${secondsText(run.longestMs)}` : "";
  }
  const last = run.repetitions.at(-1);
  const text = last ? repetitionText(last, run.movement) : "";
  return (
    text && [`Last: ${text}`, last && checksText(checksOf(last, run))].filter(Boolean).join(". ")
  );
}

export function attemptsText({attempts, movement}: Run): string {
  const last = attempts.at(-1);
  if (!last) return "";
  const side = last.side ? `${last.side}, ` : "";
  const told = `${attempts.length} not counted: ${side}${reasonText(last, movement)}`;
  return [told, attemptChecksText(last, movement)].filter(Boolean).join(". ");
}
