/** What came of a run, in the words of the result card. */

import {depthName, depthsOf, goesDown} from "./depth.js";
import {countText, degreesText, secondsText, timeText} from "./formatting.js";
import type {Run} from "./run.js";

export interface Result {
  readonly run: Run;
  /** As the server has it, or as the page saw it where the server did not say. */
  readonly count: number;
  /** From the first repetition's end to the last one's, for each of those between; null of one. */
  readonly paceMs: number | null;
  /** The farthest angle of each repetition, in degrees. */
  readonly depths: readonly (number | null)[];
}

export function resultOf(run: Run, counted: number | null): Result {
  const {repetitions, points, movement} = run;
  const [first, last] = [repetitions[0], repetitions.at(-1)];
  const paceMs =
    first && last && first !== last ? (last.ms - first.ms) / (repetitions.length - 1) : null;
  return {
    run,
    count: counted ?? repetitions.length,
    paceMs,
    depths: depthsOf(movement, points, repetitions),
  };
}

export function headingOf({run, count}: Result): string {
  return `${run.movement.name}: ${countText(count, "repetition", "repetitions")}`;
}

/** A name and a value of each fact. */
export function factsOf({run, paceMs, depths}: Result): [string, string][] {
  const known = depths.filter((degrees) => degrees !== null);
  const farthest = goesDown(run.movement) ? Math.min(...known) : Math.max(...known);
  const facts: [string, string][] = [["Time", timeText(run.lastMs)]];
  if (paceMs !== null) facts.push(["Each took", secondsText(paceMs)]);
  if (known.length) facts.push([depthName(run.movement), degreesText(farthest)]);
  if (run.interruptions.length) facts.push(["Interrupted", `${run.interruptions.length}`]);
  return facts;
}

/** How often each cue was told, the most frequent first. */
export function cuesOf({cues}: Run): [string, number][] {
  const counts = new Map<string, number>();
  for (const {message} of cues) counts.set(message, (counts.get(message) ?? 0) + 1);
  return [...counts].sort(([, one], [, other]) => other - one);
}

/** What to write to a friend. */
export function shareText({run, count}: Result): string {
  const {movement, target} = run;
  const within = target?.kind === "seconds" ? ` in ${target.amount} seconds` : "";
  const name = movement.name.toLowerCase();
  return `${name[0]?.toUpperCase()}${name.slice(1)}: I did ${count}${within}. And you?`;
}
