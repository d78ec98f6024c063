/** How deep a repetition went and how long it took, as its event says. */

import type {MeasureRange, RepetitionMetrics} from "@kynaplatform/web";
import {goesDown} from "./depth.js";
import {degreesText, secondsText} from "./formatting.js";
import type {Movement} from "./page_data.js";
import type {Repetition} from "./run.js";

/** Of the measure that carries the movement: of both sides, where it has a measure of each. */
export function rangeOf(metrics: RepetitionMetrics | null, {angle}: Movement): MeasureRange | null {
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
export function depthOf(metrics: RepetitionMetrics | null, movement: Movement): number | null {
  const range = rangeOf(metrics, movement);
  return goesDown(movement) ? (range?.least ?? null) : (range?.most ?? null);
}

/** `58–178°` */
export function rangeText({least, most}: MeasureRange): string {
  return `${Math.round(least ?? 0)}–${degreesText(most)}`;
}

/** `left, 58–178°, 1.4 s` */
export function repetitionText({side, metrics}: Repetition, movement: Movement): string {
  const range = rangeOf(metrics, movement);
  const told = [
    ...(side ? [side] : []),
    ...(range ? [rangeText(range)] : []),
    ...(metrics ? [secondsText(metrics.duration_ms)] : []),
  ];
  return told.join(", ");
}
