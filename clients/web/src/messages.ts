/** The messages between a client and a runtime. */

import type {Failure} from "./errors.js";
import type {components} from "./openapi.js";

type Schemas = components["schemas"];
type EventRecord = Schemas["EventRecord"];
type EventOf<Type extends EventRecord["type"], Payload> = Readonly<
  Omit<EventRecord, "type" | "payload">
> & {readonly type: Type; readonly payload: Readonly<Payload>};

export type BodySide = "left" | "right";

/** Why a repetition was broken off, or an attempt at one did not count. Others may be added. */
export type Reason =
  | "out_of_order"
  | "session_ended"
  | "pose_lost"
  | "condition"
  | "not_reached"
  | "too_slow"
  | "poor_form"
  | "not_ready"
  | (string & {});

/** How far a measure went, in degrees; null where it was never known. */
export interface MeasureRange {
  readonly least: number | null;
  readonly most: number | null;
  /** True where it was filmed from where its degrees don't hold. */
  readonly uncertain?: true;
}

/** What became of a check of form. */
export interface CheckResult {
  readonly name: string;
  /** Null where it could not be seen, its phase was not reached, or its way is not over. */
  readonly met: boolean | null;
  /** The least or the most that was reached, in degrees; of `tempo.out` and the like, milliseconds. */
  readonly value: number | null;
  /** How far the value is outside the bounds; null unless it was missed. */
  readonly by: number | null;
  /** True where it was filmed from where its degrees don't hold. */
  readonly uncertain?: true;
}

/** How much farther the left went than the right, in degrees, by measure; null where one was hidden. */
export type Asymmetry = Readonly<Record<string, number | null>>;

/** When a repetition began, reached its far end, left that, and ended; null where not known. */
export interface RepetitionTimes {
  readonly began_ms: number | null;
  readonly reached_ms: number | null;
  readonly left_ms: number | null;
  readonly ended_ms: number | null;
}

/** The way back of the completion before, which was not over when that was told. */
export interface WayBack {
  readonly ended_ms: number;
  readonly back_ms: number;
  /** Only of a movement with a tempo of the way back: what became of that. */
  readonly checks?: readonly CheckResult[];
}

/** How a repetition was, or a hold that has reached its target. */
export interface RepetitionMetrics {
  readonly duration_ms: number;
  /** Each step, and how long it took since the one before. */
  readonly steps: readonly {readonly phase: string; readonly ms: number}[];
  /** By name, such as `joint.knee`, `lean.trunk` or `joint.knee.left`. */
  readonly measures: Readonly<Record<string, MeasureRange>>;
  /** Each check of the movement, in its order. */
  readonly checks?: readonly CheckResult[];
  /** Only of a movement in which both sides must move. */
  readonly asymmetry?: Asymmetry;
  /** The share of the checks that were met, of those that could be seen; null of none. */
  readonly form: number | null;
  /** How long it was held; null for repetitions. */
  readonly held_ms: number | null;
  /** An older server gives none of these. */
  readonly times?: RepetitionTimes;
  readonly out_ms?: number | null;
  readonly stay_ms?: number | null;
  readonly back_ms?: number | null;
  readonly previous?: WayBack | null;
}

/** Null, or not there, unless sides are counted apart. */
interface OfSide {
  side?: BodySide | null;
}

/**
 * A detection event, the same on the stream and in a session's list of events.
 *
 * An older server leaves out what is optional here.
 */
export type DetectionEvent =
  | EventOf<"shape_enter" | "shape_exit", {shape_key: string; confidence: number} & OfSide>
  | EventOf<
      "event_completed",
      {
        event_key: string;
        score: number | null;
        number?: number;
        metrics?: RepetitionMetrics;
      } & OfSide
    >
  | EventOf<
      "event_interrupted",
      {
        reason: Reason;
        number?: number | null;
        path?: string | null;
        by?: number | null;
        /** Of `not_reached`: not far enough, not for long enough, or one side stayed behind. */
        detail?: "too_low" | "too_short" | "one_sided";
        metrics?: {
          readonly checks?: readonly CheckResult[];
          readonly asymmetry?: Asymmetry;
          readonly previous?: WayBack | null;
        };
      } & OfSide
    >
  | EventOf<
      "feedback",
      {level: "info" | "coaching" | "success"; message: string; key?: string | null} & OfSide
    >;

/** A message without frames. */
export interface ControlMessage {
  readonly type: "finalize" | "cancel" | "ping" | "pong";
}

/** Whether anything counts yet, by the last frame. */
export interface Readiness {
  /** `positioning`: somebody is there, and what `missing` names is not as the movement asks. */
  readonly state: "no_person" | "positioning" | "ready";
  /** The landmarks that are out of sight, by name; `view`; `start`, how it begins. */
  readonly missing: readonly string[];
}

export interface SessionUpdate {
  readonly type: "session_update";
  readonly status: string;
  readonly accepted_frames_total: number;
  readonly last_batch_seq?: number;
  readonly last_frame_seq?: number;
  readonly readiness?: Readiness;
  readonly events_thinned?: number;
  readonly warnings?: readonly string[];
}

export interface FrameAck {
  readonly type: "frame_ack";
  readonly batch_seq: number;
  readonly accepted_frames_total: number;
  readonly rejected_frames?: readonly {
    readonly index: number;
    readonly reason: string;
    readonly detail?: string;
  }[];
  readonly readiness?: Readiness;
  /** Of a movement that is held; 0 ms while nothing is. */
  readonly hold?: {
    readonly event_key: string;
    readonly held_ms: number;
    readonly side?: BodySide | null;
  } | null;
  readonly events_thinned?: number;
}

/** How much of a session could be counted, and what kept the rest from it. */
export type Quality = Readonly<Schemas["Quality"]>;

/** What was counted of one movement. */
export type MovementSummary = Readonly<Schemas["MovementSummary"]>;

export interface SessionDone {
  readonly type: "session_done";
  readonly status: string;
  readonly terminal_outcome: string | null;
  readonly accepted_frames_total: number;
  readonly error: Failure | null;
  readonly repetitions?: Readonly<Record<string, number>> | null;
  readonly interrupted_total?: number | null;
  readonly summary?: Readonly<Record<string, MovementSummary>> | null;
  readonly quality?: Quality | null;
  readonly ended_by?: "target" | null;
}

export type ServerMessage =
  | SessionUpdate
  | FrameAck
  | SessionDone
  | {readonly type: "event_batch"; readonly events: readonly DetectionEvent[]}
  | {readonly type: "error"; readonly error: Failure}
  | {readonly type: "ping" | "pong"};
