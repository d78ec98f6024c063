/** How far the angle that carries a movement goes in each repetition. */

import type {ShownMovement} from "./page_data.js";

interface Point {
  readonly ms: number;
  readonly degrees: number | null;
}

/** Whether the angle gets smaller from where the movement rests, which is its first phase. */
export function goesDown({angle, phases}: ShownMovement): boolean {
  const middles = phases.flatMap((phase) => {
    const band = angle.bands.find((one) => one.phase === phase);
    return band ? [(band.min + band.max) / 2] : [];
  });
  return (middles.at(-1) ?? 0) <= (middles[0] ?? 0);
}

/** What the farthest angle is called: of a squat the smallest knee angle. */
export function depthName(movement: ShownMovement): string {
  return `${goesDown(movement) ? "Smallest" : "Largest"} ${angleName(movement)}`;
}

/** `knee angle`, `lean of the trunk` */
export function angleName({angle}: ShownMovement): string {
  return angle.label.startsWith("lean") ? angle.label : `${angle.label} angle`;
}

export function isFarther(movement: ShownMovement, one: number, other: number | null): boolean {
  return other === null || (goesDown(movement) ? one < other : one > other);
}

/** The farthest angle of each repetition, in degrees: from the end of the one before to its own. */
export function depthsOf(
  movement: ShownMovement,
  points: readonly Point[],
  repetitions: readonly Pick<Point, "ms">[],
): (number | null)[] {
  let next = 0;
  return repetitions.map(({ms}) => {
    let farthest: number | null = null;
    for (; next < points.length && (points[next] as Point).ms <= ms; next += 1) {
      const {degrees} = points[next] as Point;
      if (degrees !== null && isFarther(movement, degrees, farthest)) farthest = degrees;
    }
    return farthest;
  });
}
