/** Which checks were met, and which were missed and by how much, in plain words. */

import type {CheckResult} from "@kynaplatform/web";
import {degreesText, secondsText} from "./formatting.js";
import type {ShownMovement} from "./page_data.js";
import type {Attempt, Run} from "./run.js";

/** `Met: depth. Missed: upright by 6°. Not seen: wrists.` */
export function checksText(checks: readonly CheckResult[] = []): string {
  const groups: readonly [string, string[]][] = [
    ["Met", checks.filter(({met}) => met).map(nameOf)],
    ["Missed", checks.filter(({met}) => met === false).map(missedText)],
    ["Not seen", checks.filter(({met}) => met === null).map(nameOf)],
  ];
  return groups
    .filter(([, names]) => names.length > 0)
    .map(([group, names]) => `${group}: ${names.join(", ")}.`)
    .join(" ");
}

/** Those that were judged, but for the one that its reason tells already. */
export function attemptChecksText({path, metrics}: Attempt, {labels}: ShownMovement): string {
  const told = labels[path ?? ""];
  return checksText(metrics?.checks?.filter(({met, name}) => met !== null && name !== told));
}

/** A name of each check, and in how many of those that show it it was met. */
export function sharesOf({counted}: Run): [string, string][] {
  return Object.entries(counted?.checks ?? {}).map(([name, {met, missed}]) => [
    wordsOf(name),
    met + missed ? `${met} of ${met + missed}` : "not seen",
  ]);
}

function wordsOf(name: string): string {
  return name.replaceAll(/[_.]/g, " ");
}

function nameOf({name}: CheckResult): string {
  return wordsOf(name);
}

function missedText(check: CheckResult): string {
  const {name, by} = check;
  if (by === null) return nameOf(check);
  const missed = name.startsWith("tempo.") ? secondsText(by) : degreesText(Math.max(by, 1));
  return `${nameOf(check)} by ${missed}`;
}
