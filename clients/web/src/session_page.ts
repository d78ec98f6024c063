/** The session page, `/session/{project_id}`: its address, and what it tells the page around it. */

import type {BodySide, Readiness, RepetitionMetrics} from "./messages.js";
import type {Attempt, StreamEnd, StreamSession} from "./stream.js";

/** What a session page tells the page that frames it, and the app around a WebView. */
export type SessionPageEvent = SessionPageEventOf & {
  readonly from: "kynaplatform";
  readonly version: 1;
  readonly sessionId: string;
};

export type SessionPageEventOf =
  /** The movement is known, and the page waits for Start. */
  | {readonly type: "ready"; readonly movement: string}
  /** Whether anything counts yet, and what is missing. */
  | ({readonly type: "readiness"} & Readiness)
  /** A repetition, or a hold that reached its time; `number` counts from the page's opening. */
  | {
      readonly type: "counted";
      readonly eventKey: string;
      readonly number: number;
      readonly side: BodySide | null;
      readonly timestampMs: number;
      readonly metrics: RepetitionMetrics | null;
      readonly isLate: boolean;
    }
  /** A repetition that was tried and did not count. */
  | ({readonly type: "attempt"} & Attempt)
  /** What was said to the person, in the session's language. */
  | {
      readonly type: "cue";
      readonly level: "info" | "coaching" | "success";
      readonly message: string;
      readonly isLate: boolean;
    }
  /** What keeps the person from starting, such as `permission_denied` of the camera. */
  | {readonly type: "problem"; readonly code: string; readonly message: string}
  /** The session has ended, or can't go on: then `end` is null, and `error` says why. */
  | {
      readonly type: "ended";
      readonly end: StreamEnd | null;
      readonly error: {readonly code: string; readonly message: string} | null;
    }
  /** The person has seen the result, and wants to leave. */
  | {readonly type: "done"};

export interface SessionPageOptions {
  /** Where the person goes after the result: one of the addresses that staff listed. */
  readonly returnTo?: string | undefined;
  /** Whether cues are spoken from the start (false). */
  readonly speak?: boolean | undefined;
  /** The seconds of the countdown, 0 to 10 (5). */
  readonly countdown?: number | undefined;
}

/**
 * The address of the page for a session. What is secret stands in the fragment, which no server
 * sees. `baseUrl` is the platform's, such as `https://kyna.example`.
 */
export function sessionPageUrl(
  baseUrl: string,
  session: StreamSession & {readonly session_id: string; readonly project_id: string},
  options: SessionPageOptions = {},
): string {
  const page = new URL(`/session/${session.project_id}`, baseUrl);
  const {returnTo, speak, countdown} = options;
  const fragment = new URLSearchParams({
    session: session.session_id,
    token: session.runtime_token,
    ...(returnTo !== undefined && {return: returnTo}),
    ...(speak && {speak: "1"}),
    ...(countdown !== undefined && {countdown: `${countdown}`}),
  });
  page.hash = fragment.toString();
  return page.href;
}

/**
 * Listen to the session page in a frame, and to nobody else. Returns what ends it.
 *
 * The page tells only origins that staff listed for the project.
 */
export function listenToSessionPage(
  frame: HTMLIFrameElement,
  onEvent: (event: SessionPageEvent) => void,
): () => void {
  const origin = new URL(frame.src).origin;
  const take = ({source, origin: from, data}: MessageEvent): void => {
    if (source === frame.contentWindow && from === origin && data?.from === "kynaplatform") {
      onEvent(data);
    }
  };
  addEventListener("message", take);
  return () => removeEventListener("message", take);
}
