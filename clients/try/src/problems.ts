import {KynaError, type StreamEnd} from "@kynaplatform/web";
import {countText} from "./formatting.js";

/** What went wrong, and what to do about it. */
export interface Problem {
  readonly what: string;
  readonly advice: string;
}

/** Errors that a page may have an advice for: a way without the camera. */
const OF_CAMERA: ReadonlySet<string> = new Set([
  "insecure_context",
  "unsupported_browser",
  "permission_denied",
  "no_camera",
  "camera_busy",
  "camera_lost",
  "webgl_unavailable",
  "landmarker_failed",
  "models_unavailable",
]);

const CLOSED: Problem = {what: "The page is closed for now.", advice: "Try again another day."};

const PROBLEMS: Readonly<Record<string, Problem>> = {
  models_unavailable: {
    what: "The files that find a body in a picture could not be loaded.",
    advice: "Check the connection, then start again.",
  },
  unreachable: {
    what: "The server can't be reached.",
    advice: "Check the connection, and try again in a minute.",
  },
  left: {
    what: "You left before the end was known.",
    advice: "What you did in the last moments may be missing.",
  },
  end_timeout: {
    what: "The server did not tell the end in time.",
    advice: "What you did in the last moments may be missing.",
  },
  cannot_unpack: {
    what: "This browser can't unpack a recording, such as the figure's.",
    advice: "Take the camera, or open the page in a newer browser.",
  },
  access_token_expired: {
    what: "What was counted after the line was lost is missing.",
    advice: "The page could not read it any more.",
  },
  project_suspended: CLOSED,
  organization_suspended: CLOSED,
  authorization_failed: CLOSED,
  movespec_archived: {
    what: "This movement can't be tried any more.",
    advice: "Choose another movement.",
  },
  not_found: {
    what: "This movement can't be tried any more.",
    advice: "Load the page again.",
  },
};

/**
 * In plain words, for whoever stands before the camera. `withoutCamera` is the advice where it is
 * the camera that fails; `own` is what a page says itself, by the error's code.
 */
export function problemOf(
  error: unknown,
  withoutCamera = "",
  own: Readonly<Record<string, Problem>> = {},
): Problem {
  if (!(error instanceof KynaError)) {
    return {what: "Something went wrong in this page.", advice: "Load it again."};
  }
  const said = own[error.code];
  if (said) return said;
  if (error.code === "rate_limited") {
    const minutes = Math.max(1, Math.ceil(Number(error.details.retry_after_seconds ?? 60) / 60));
    const when = minutes === 1 ? "in a minute" : `in ${minutes} minutes`;
    const isOfAddress = /^try_(address|network)$/.test(String(error.details.limit_name));
    const what = isOfAddress
      ? "Your network has had its share of tries for now."
      : "There were too many sessions lately.";
    return {what, advice: `Try again ${when}.`};
  }
  const {what, advice} = PROBLEMS[error.code] ?? {
    what: error.message,
    advice: error.retryable && !OF_CAMERA.has(error.code) ? "Try again in a minute." : "",
  };
  const other = OF_CAMERA.has(error.code) ? withoutCamera : "";
  return {what, advice: [advice, other].filter(Boolean).join(" ")};
}

const OUTCOMES: Readonly<Record<string, Problem>> = {
  max_duration: {what: "The session has lasted as long as one may.", advice: "Begin another one."},
  abandoned: {
    what: "The server ended the session, because nothing came for too long.",
    advice: "Check the connection, and begin another one.",
  },
  failed: {what: "The server ended the session by a fault.", advice: "Begin another one."},
};

/** What a person has to know of an end; nothing, where it is what they asked for. */
export function outcomeProblems({outcome}: StreamEnd): Problem[] {
  if (outcome === "completed") return [];
  const other = {what: "The server ended the session.", advice: "Begin another one."};
  return [OUTCOMES[outcome ?? ""] ?? other];
}

export function droppedProblem(frames: number): Problem {
  return {
    what: `${countText(frames, "frame was", "frames were")} left out.`,
    advice: "The line was slower than the camera.",
  };
}

export function rejectedProblem(reason: string, frames: number): Problem {
  const why =
    reason === "image_landmarks"
      ? "Its points are of the picture. They have to be in metres."
      : `The server's reason: ${reason}.`;
  return {what: `${countText(frames, "frame was", "frames were")} not counted.`, advice: why};
}
