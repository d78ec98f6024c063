/** The geometry of a trace: from times and angles to pixels. */

import type {Point} from "./run.js";

/** A picture of some time; `left` to `bottom` are the edges of what is drawn in it, in pixels. */
export interface Area {
  readonly fromMs: number;
  readonly toMs: number;
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

const MAX_DEGREES = 180;
/** Between moments further apart than this nothing is known. */
const GAP_MS = 500;

export function xOf(area: Area, ms: number): number {
  const share = (ms - area.fromMs) / (area.toMs - area.fromMs);
  return area.left + share * (area.right - area.left);
}

export function yOf(area: Area, degrees: number): number {
  return area.bottom - (degrees / MAX_DEGREES) * (area.bottom - area.top);
}

/**
 * The lines of the trace, each a list of [x, y], broken where the angle is not known.
 *
 * A column of pixels has at most its first, lowest, highest and last point, however long the trace.
 */
export function linesOf(points: readonly Point[], area: Area): [number, number][][] {
  const lines: [number, number][][] = [];
  let column: [number, number][] = [];
  let lastMs: number | null = null;
  for (const {ms, degrees} of points) {
    if (ms < area.fromMs || ms > area.toMs) continue;
    if (degrees === null) {
      lastMs = null;
      continue;
    }
    const at: [number, number] = [xOf(area, ms), yOf(area, degrees)];
    const [first] = column;
    if (lastMs === null || ms - lastMs > GAP_MS) {
      lines.at(-1)?.push(...thinned(column));
      lines.push([]);
      column = [at];
    } else if (first && Math.floor(first[0]) === Math.floor(at[0])) {
      column.push(at);
    } else {
      lines.at(-1)?.push(...thinned(column));
      column = [at];
    }
    lastMs = ms;
  }
  lines.at(-1)?.push(...thinned(column));
  return lines;
}

function thinned(column: [number, number][]): [number, number][] {
  if (column.length < 5) return column;
  const heights = column.map(([, y]) => y);
  const kept = [Math.min(...heights), Math.max(...heights)].map((y) => heights.indexOf(y));
  return [0, ...kept.sort((a, b) => a - b), column.length - 1].map(
    (index) => column[index] as [number, number],
  );
}

/** Whole seconds to write below the picture, in milliseconds: as few as `most`. */
export function ticksOf(area: Area, most: number): number[] {
  const spans = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1_200];
  const length = area.toMs - area.fromMs;
  const step = 1_000 * (spans.find((seconds) => length / (1_000 * seconds) <= most) ?? 3_600);
  const ticks = [];
  for (let ms = Math.ceil(area.fromMs / step) * step; ms <= area.toMs; ms += step) ticks.push(ms);
  return ticks;
}
