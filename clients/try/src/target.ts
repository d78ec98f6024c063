/** What a run is to reach: so many repetitions, or as many as can be done in so long. */

import {countText, timeText} from "./formatting.js";

/** How far a run has come. */
interface Reached {
  readonly lastMs: number;
  readonly repetitions: readonly unknown[];
}

export interface Target {
  readonly kind: "repetitions" | "seconds";
  readonly amount: number;
}

const WRITTEN = /^([1-9]\d{0,2})(s?)$/;

/** Read `10`, or `30s`; null for anything else. */
export function targetOf(text: string | null): Target | null {
  const [, amount, unit] = WRITTEN.exec(text ?? "") ?? [];
  return amount ? {kind: unit ? "seconds" : "repetitions", amount: Number(amount)} : null;
}

export function targetText(target: Target): string {
  return target.kind === "seconds"
    ? `As many as you can in ${target.amount} seconds`
    : countText(target.amount, "repetition", "repetitions");
}

/** From 0, to 1 where it is reached. */
export function shareOf({kind, amount}: Target, run: Reached): number {
  const reached = kind === "seconds" ? run.lastMs / 1_000 : run.repetitions.length;
  return Math.min(1, reached / amount);
}

/** What stands below the number. */
export function underNumber(target: Target | null, run: Reached): string {
  if (target?.kind === "repetitions") return `of ${target.amount}`;
  if (target?.kind === "seconds") return `${timeText(target.amount * 1_000 - run.lastMs)} left`;
  return run.repetitions.length === 1 ? "repetition" : "repetitions";
}
