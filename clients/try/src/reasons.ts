/** Why an attempt did not count, in plain words. */

import {degreesText, secondsText} from "./formatting.js";
import type {ShownMovement} from "./page_data.js";

/** What an `event_interrupted` says. */
export interface Attempted {
  readonly reason: string;
  /** The place in the MoveSpec of what was missed. */
  readonly path?: string | null;
  /** How much was missing, in degrees, or in milliseconds of a time. */
  readonly by?: number | null;
}

const REASONS: Readonly<Record<string, string>> = {
  out_of_order: "not completed in order",
  condition: "broken off",
  session_ended: "not ended when you stopped",
  pose_lost: "nobody was in the picture",
  not_reached: "not far enough",
  too_slow: "too slow",
  poor_form: "poor form",
  not_ready: "you left your starting position",
};

export function reasonText(
  {reason, path = null, by = null}: Attempted,
  movement: ShownMovement,
): string {
  const label = movement.labels[path ?? ""];
  if (reason === "not_reached") {
    if (movement.hold_ms !== null)
      return by === null ? "let go early" : `let go ${secondsText(by)} early`;
    if (path?.includes(".sequence[")) return `not held long enough${byTime(by)}`;
    const phase = movement.phases[Number(/\.phases\[(\d+)\]/.exec(path ?? "")?.[1])];
    const missed = byAngle(by);
    if (phase) return missed ? `“${phase}” missed${missed}` : `“${phase}” not reached`;
  }
  if (reason === "poor_form" && label) {
    const missed = path?.includes(".tempo.") ? byTime(by) : byAngle(by);
    return by === null ? `form: ${label} not seen` : `form: ${label} missed${missed}`;
  }
  if (reason === "condition" && label) return `broken off: ${label} off${byAngle(by)}`;
  return REASONS[reason] ?? reason.replaceAll("_", " ");
}

/** What rounds to nothing is not told. */
function byAngle(by: number | null): string {
  return by === null || by < 0.5 ? "" : ` by ${degreesText(by)}`;
}

function byTime(by: number | null): string {
  return by === null ? "" : `, by ${secondsText(by)}`;
}
