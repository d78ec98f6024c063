import type {ConnectionOptions} from "./connection.js";
import type {Failure} from "./errors.js";
import type {DetectionEvent} from "./messages.js";
import type {Moment} from "./pose.js";

/** What a create answers, or of it what an attach needs. */
export interface StreamSession {
  readonly stream_url: string;
  readonly runtime_token: string;
}

/** `waiting`: the connection was lost, and another attach comes. */
export type StreamState = "connecting" | "attached" | "waiting" | "ended";

export interface StreamOptions extends ConnectionOptions {
  /** Each detection event, once and in order. */
  readonly onEvent?: ((event: DetectionEvent) => void) | undefined;
  readonly onState?: ((state: StreamState) => void) | undefined;
  /** Poses left out so far, because the line is slower than the camera. */
  readonly onDropped?: ((total: number) => void) | undefined;
  /** Frames that the server did not take, and its reason. */
  readonly onRejected?: ((reason: string, frames: number) => void) | undefined;
  /** A batch is sent at so many poses (15) … */
  readonly batchFrames?: number | undefined;
  /** … or so many milliseconds after its first one (300). */
  readonly batchMs?: number | undefined;
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
  /** Why it failed. */
  readonly error: Failure | null;
  /** It ended while nothing was attached (4410): the API may have events that did not come. */
  readonly missedEvents: boolean;
}

/** One session's stream: it attaches at once, and again for as long as that can help. */
export interface Stream extends AsyncIterable<DetectionEvent> {
  readonly state: StreamState;
  readonly attaches: number;
  readonly acceptedFrames: number;
  readonly droppedFrames: number;
  /** Take a pose, or nobody, at its time; after an end is asked for it does nothing. */
  add(moment: Moment): void;
  /** Resolves once there is room. A source that can wait, such as a file, loses no pose by it. */
  readonly ready: Promise<void>;
  /** Have what was added processed, then end the session; the same as `ended`. */
  finalize(): Promise<StreamEnd>;
  /** End the session now; the same as `ended`. */
  cancel(): Promise<StreamEnd>;
  /** Leave. The session goes on until its idle limit; `ended` rejects with `left`. */
  close(): void;
  /** How the session ended; rejects with a KynaError when the stream can't go on. */
  readonly ended: Promise<StreamEnd>;
}
