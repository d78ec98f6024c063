/** What somebody has to do before anything counts, in plain words. */

import type {Readiness} from "@kynaplatform/web";
import type {ShownMovement} from "./page_data.js";

/** What of a body has these landmarks, without their side. From the feet up: they go first. */
const PARTS: readonly (readonly [string, RegExp])[] = [
  ["feet", /_(ankle|heel|foot_index)$/],
  ["knees", /_knee$/],
  ["hips", /_hip$/],
  ["hands", /_(wrist|pinky|index|thumb)$/],
  ["elbows", /_elbow$/],
  ["shoulders", /_shoulder$/],
  ["head", /./],
];
/** More are not listed. */
const MAX_PARTS = 2;
const OTHERS: Readonly<Record<string, string>> = {
  "view side": "Turn sideways to the camera.",
  "view front": "Face the camera.",
};

/** One thing at a time, the first that helps; null where nothing is asked of anybody. */
export function neededText(
  {state, missing}: Readiness,
  {setup: {view}}: ShownMovement,
): string | null {
  if (state !== "positioning") return null;
  const hidden = missing.filter((name) => name !== "view" && name !== "start");
  if (hidden.length > 0) return `Step back until I see ${partsText(hidden)}.`;
  if (missing.includes("view")) return OTHERS[`view ${view}`] ?? "Turn to the camera.";
  return missing.includes("start") ? "Get into the starting position." : "Stay like this.";
}

function partsText(landmarks: readonly string[]): string {
  const parts = new Set(landmarks.map((name) => PARTS.find(([, named]) => named.test(name))?.[0]));
  return parts.size > MAX_PARTS ? "all of you" : `your ${inOrder(parts).join(" and ")}`;
}

/** As one looks at a body. */
function inOrder(parts: ReadonlySet<string | undefined>): string[] {
  return PARTS.map(([part]) => part)
    .filter((part) => parts.has(part))
    .reverse();
}
