import type {ConnectionOptions} from "./connection.js";
import type {Failure, KynaError} from "./errors.js";
import type {
  BodySide,
  DetectionEvent,
  MovementSummary,
  Quality,
  Readiness,
  Reason,
} from "./messages.js";
import type {Moment} from "./pose.js";

/** What a create answers, or of it what an attach needs. */
export interface StreamSession {
  readonly stream_url: string;
  readonly runtime_token: string;
}

/**
 * `waiting`: no batch was acknowledged for 3 s, or the connection was lost and another attach comes.
 * `offline`: the browser has no network. What is added in both is kept, and sent later.
 */
export type StreamState = "connecting" | "attached" | "waiting" | "offline" | "ended";

/** A detection event as it came on a stream. */
export type StreamEvent = DetectionEvent & {
  /**
   * Whether its time lay more than `lateMs` behind the newest moment that was added, as after the
   * line was lost. It counts as any other, but nobody should be told of it as of something new.
   */
  readonly isLate: boolean;
};

/**
 * A repetition that was broken off, or one that was tried and did not count: `event_interrupted`.
 *
 * What an older server does not say of it is null.
 */
export interface Attempt {
  readonly timestampMs: number;
  readonly reason: Reason;
  /** The repetition that it would have been; null of a try beside the one under way. */
  readonly number: number | null;
  /** Null where sides are not counted apart. */
  readonly side: BodySide | null;
  /** The criterion, check or step that was missed, as a path of the MoveSpec. */
  readonly path: string | null;
  /** By how much it was missed: degrees, or milliseconds of a time. */
  readonly by: number | null;
  readonly isLate: boolean;
}

/** A hold that goes on, by the last frame. */
export interface HoldProgress {
  readonly eventKey: string;
  /** Without its breaks. It grows on after the target. */
  readonly heldMs: number;
  /** Null unless the sides are held apart. */
  readonly side: BodySide | null;
}

export interface StreamOptions extends ConnectionOptions {
  /** Each detection event, once and in order. */
  readonly onEvent?: ((event: StreamEvent) => void) | undefined;
  /**
   * What the stream does not end by, and somebody has to mend: `frames_rejected`, after 5 s in
   * which frames were rejected and none was taken.
   */
  readonly onError?: ((error: KynaError) => void) | undefined;
  readonly onState?: ((state: StreamState) => void) | undefined;
  /** Whether anything counts yet, whenever that or what is missing changes. */
  readonly onReadiness?: ((readiness: Readiness) => void) | undefined;
  /** Each `event_interrupted`, after `onEvent`. */
  readonly onAttempt?: ((attempt: Attempt) => void) | undefined;
  /** A hold as it goes on, with each ack; null once it is over. */
  readonly onHold?: ((hold: HoldProgress | null) => void) | undefined;
  /** Poses left out so far, because the line is slower than the camera. */
  readonly onDropped?: ((total: number) => void) | undefined;
  /**
   * What the server warns of at the first attach: `no_visibility`, if the create's landmarker gives
   * none, so that hidden landmarks count as seen.
   */
  readonly onWarning?: ((warning: string) => void) | undefined;
  /** Frames that the server did not take, and its reason. */
  readonly onRejected?: ((reason: string, frames: number) => void) | undefined;
  /** A batch is sent at so many poses (15) … */
  readonly batchFrames?: number | undefined;
  /** … or so many milliseconds after its first one (300). */
  readonly batchMs?: number | undefined;
  /** An event is late if its time lies further behind than this, in milliseconds (3,000). */
  readonly lateMs?: number | undefined;
}

export interface EndOptions {
  /**
   * How long the end may take, in milliseconds (120,000): then the stream is left, and what waits
   * for its end rejects with `end_timeout`. Infinity waits until the stream gives up.
   */
  readonly timeoutMs?: number | undefined;
}

/** How a session ended. */
export interface StreamEnd {
  /** `completed`, `cancelled` or `failed`. */
  readonly status: string;
  readonly outcome: string | null;
  readonly acceptedFrames: number;
  /** Completed repetitions by their `event_key`; null where the end was missed. */
  readonly repetitions: Readonly<Record<string, number>> | null;
  readonly interrupted: number | null;
  /** What was counted, by `event_key`; null where the end was missed, or nothing is known. */
  readonly summary: Readonly<Record<string, MovementSummary>> | null;
  /** How much of it could be counted; null where the end was missed, or nothing is known. */
  readonly quality: Quality | null;
  /** `target` where it ended because it reached its target. */
  readonly endedBy: "target" | null;
  /** Why it failed. */
  readonly error: Failure | null;
  /** It ended while nothing was attached (4410): the API may have events that did not come. */
  readonly missedEvents: boolean;
}

/** One session's stream: it attaches at once, and again for as long as that can help. */
export interface Stream extends AsyncIterable<StreamEvent> {
  readonly state: StreamState;
  readonly attaches: number;
  readonly acceptedFrames: number;
  readonly droppedFrames: number;
  /** Null before the server has told it, and where an older one never does. */
  readonly readiness: Readiness | null;
  readonly hold: HoldProgress | null;
  /** Phases and cues that the server left out, because they were too many. */
  readonly thinnedEvents: number;
  /** Take a pose, or nobody, at its time; after an end is asked for it does nothing. */
  add(moment: Moment): void;
  /** Resolves once there is room. A source that can wait, such as a file, loses no pose by it. */
  readonly ready: Promise<void>;
  /** Have what was added processed, then end the session; the same as `ended`. */
  finalize(options?: EndOptions): Promise<StreamEnd>;
  /** End the session now; the same as `ended`. */
  cancel(options?: EndOptions): Promise<StreamEnd>;
  /** Leave. The session goes on until its idle limit; `ended` rejects with `left`. */
  close(): void;
  /** How the session ended; rejects with a KynaError when the stream can't go on. */
  readonly ended: Promise<StreamEnd>;
}
