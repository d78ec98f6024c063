/** What came of a run, in the words of the result card. */

import {depthName, depthsOf, goesDown} from "./depth.js";
import {countText, degreesText, secondsText, timeText} from "./formatting.js";
import {depthOf} from "./measured.js";
import type {Run} from "./run.js";

export interface Result {
  readonly run: Run;
  /** As the server has it, or as the page saw it where the server did not say. */
  readonly count: number;
  /** The longest hold; null for repetitions. */
  readonly heldMs: number | null;
  /** How long a repetition took, in the mean; null where nothing is known. */
  readonly paceMs: number | null;
  /** The farthest angle of each repetition, in degrees. */
  readonly depths: readonly (number | null)[];
}

/** `counted` and `longestMs` are what the server says; null where it did not. */
export function resultOf(
  run: Run,
  counted: number | null,
  longestMs: number | null = null,
): Result {
  const {repetitions, points, movement} = run;
  const measured = depthsOf(movement, points, repetitions);
  return {
    run,
    count: counted ?? repetitions.length,
    heldMs: movement.hold_ms === null ? null : (longestMs ?? run.longestMs),
    paceMs: paceOf(run),
    depths: repetitions.map(
      ({metrics}, index) => depthOf(metrics, movement) ?? measured[index] ?? null,
    ),
  };
}

/** By what the server says of each; else from the first one's end to the last one's. */
function paceOf({repetitions, movement}: Run): number | null {
  if (movement.hold_ms !== null) return null;
  const took = repetitions.flatMap(({metrics}) => (metrics ? [metrics.duration_ms] : []));
  if (took.length > 0) return took.reduce((sum, ms) => sum + ms, 0) / took.length;
  const [first, last] = [repetitions[0], repetitions.at(-1)];
  return first && last && first !== last ? (last.ms - first.ms) / (repetitions.length - 1) : null;
}

/** The number of the result, and what it is of. */
export function headlineOf({heldMs, count}: Result): {amount: number; unit: string} {
  const amount = heldMs === null ? count : Math.floor(heldMs / 1_000);
  const [one, many] = heldMs === null ? ["repetition", "repetitions"] : ["second", "seconds"];
  return {amount, unit: amount === 1 ? one : many} as {amount: number; unit: string};
}

export function headingOf(result: Result): string {
  const {amount, unit} = headlineOf(result);
  return `${result.run.movement.name}: ${amount} ${unit}`;
}

/** A name and a value of each fact. */
export function factsOf({run, count, paceMs, depths}: Result): [string, string][] {
  const known = depths.filter((degrees) => degrees !== null);
  const farthest = goesDown(run.movement) ? Math.min(...known) : Math.max(...known);
  const facts: [string, string][] = [["Time", timeText(run.lastMs)]];
  if (paceMs !== null) facts.push(["Each took", secondsText(paceMs)]);
  const {hold_ms} = run.movement;
  if (hold_ms !== null) {
    const reached: [string, string] = ["Target reached", countText(count, "time", "times")];
    facts.push(count > 0 ? reached : ["Target", secondsText(hold_ms)]);
  } else if (known.length) facts.push([depthName(run.movement), degreesText(farthest)]);
  if (run.attempts.length) facts.push(["Not counted", `${run.attempts.length}`]);
  return facts;
}

/** How often each cue was told, the most frequent first. */
export function cuesOf({cues}: Run): [string, number][] {
  const counts = new Map<string, number>();
  for (const {message} of cues) counts.set(message, (counts.get(message) ?? 0) + 1);
  return [...counts].sort(([, one], [, other]) => other - one);
}

/** What to write to a friend. */
export function shareText(result: Result): string {
  const {run, count} = result;
  const {movement, target} = run;
  const within = target?.kind === "seconds" ? ` in ${target.amount} seconds` : "";
  const name = movement.name.toLowerCase();
  const did =
    movement.hold_ms === null
      ? `did ${count}${within}`
      : `held ${headlineOf(result).amount} seconds`;
  return `${name[0]?.toUpperCase()}${name.slice(1)}: I ${did}. And you?`;
}
