/** How deep a repetition went and how long it took, as its event says. */

import type {CheckResult, MeasureRange, RepetitionMetrics, WayBack} from "@kynaplatform/web";
import {goesDown} from "./depth.js";
import {degreesText, secondsText} from "./formatting.js";
import type {ShownMovement} from "./page_data.js";
import type {Repetition, Run} from "./run.js";

/** Of the measure that carries the movement: of both sides, where it has a measure of each. */
export function rangeOf(
  metrics: RepetitionMetrics | null,
  {angle}: ShownMovement,
): MeasureRange | null {
  const ranges = Object.entries(metrics?.measures ?? {})
    .filter(([name]) => name.split(".")[1] === angle.measure)
    .map(([, range]) => range);
  const known = ranges.filter(({least, most}) => least !== null && most !== null);
  if (known.length === 0) return null;
  return {
    least: Math.min(...known.map(({least}) => least ?? 0)),
    most: Math.max(...known.map(({most}) => most ?? 0)),
  };
}

/** The farthest that it went from where the movement rests. */
export function depthOf(metrics: RepetitionMetrics | null, movement: ShownMovement): number | null {
  const range = rangeOf(metrics, movement);
  return goesDown(movement) ? (range?.least ?? null) : (range?.most ?? null);
}

/** `58–178°` */
export function rangeText({least, most}: MeasureRange): string {
  return `${Math.round(least ?? 0)}–${degreesText(most)}`;
}

/** `left, 58–178°, 1.4 s` */
export function repetitionText({side, metrics}: Repetition, movement: ShownMovement): string {
  const range = rangeOf(metrics, movement);
  const told = [
    ...(side ? [side] : []),
    ...(range ? [rangeText(range)] : []),
    ...(metrics ? [secondsText(metrics.duration_ms)] : []),
  ];
  return told.join(", ");
}

/** `Tempo: out 1.1 s, stay 0.2 s, back 1.0 s.`, without what is not known. */
export function partsText(repetition: Repetition, run: Run): string {
  const {metrics} = repetition;
  const parts = [
    ["out", metrics?.out_ms ?? null],
    ["stay", metrics?.stay_ms ?? null],
    ["back", metrics?.back_ms ?? wayBackOf(repetition, run)?.back_ms ?? null],
  ] as const;
  const known = parts.flatMap(([name, ms]) => (ms === null ? [] : [`${name} ${secondsText(ms)}`]));
  return known.length > 0 ? `Tempo: ${known.join(", ")}.` : "";
}

/** Its checks, with that of its way back. */
export function checksOf(repetition: Repetition, run: Run): readonly CheckResult[] {
  const later = wayBackOf(repetition, run)?.checks ?? [];
  const checks = repetition.metrics?.checks ?? [];
  return checks.map((check) => later.find(({name}) => name === check.name) ?? check);
}

/** A way back that was not over as its repetition was told: told with what came next, or, of the
 * last one, at the end. */
function wayBackOf(
  {side, metrics}: Repetition,
  {events, counted}: Run,
): (Pick<WayBack, "checks"> & {readonly back_ms: number | null}) | null {
  const leftMs = metrics?.times?.left_ms ?? null;
  for (const {type, payload} of events) {
    if (type !== "event_completed" && type !== "event_interrupted") continue;
    const previous = payload.metrics?.previous;
    const isOfSide = (payload.side ?? null) === side;
    if (previous && isOfSide && previous.ended_ms - previous.back_ms === leftMs) return previous;
  }
  const last = counted?.times?.last;
  return last && last.times.left_ms === leftMs ? {back_ms: last.back_ms} : null;
}
