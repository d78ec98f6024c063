/** The messages between a client and a runtime. */

import type {Failure} from "./errors.js";
import type {components} from "./openapi.js";
import {LANDMARK_NAMES, type Moment, POSE_SCHEMA} from "./pose.js";

type EventRecord = components["schemas"]["EventRecord"];
type EventOf<Type extends EventRecord["type"], Payload> = Readonly<
  Omit<EventRecord, "type" | "payload">
> & {readonly type: Type; readonly payload: Readonly<Payload>};

/** A detection event, the same on the stream and in a session's list of events. */
export type DetectionEvent =
  | EventOf<"shape_enter" | "shape_exit", {shape_key: string; confidence: number}>
  | EventOf<"event_completed", {event_key: string; score: number | null}>
  | EventOf<"event_interrupted", {reason: string}>
  | EventOf<"feedback", {level: "info" | "coaching" | "success"; message: string}>;

/** A message without frames. */
export interface ControlMessage {
  readonly type: "finalize" | "cancel" | "ping" | "pong";
}

export interface SessionUpdate {
  readonly type: "session_update";
  readonly status: string;
  readonly accepted_frames_total: number;
  readonly last_batch_seq?: number;
  readonly last_frame_seq?: number;
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
}

/** How much of a session could be counted, and what kept the rest from it. */
export type Quality = Readonly<components["schemas"]["Quality"]>;

export interface SessionDone {
  readonly type: "session_done";
  readonly status: string;
  readonly terminal_outcome: string | null;
  readonly accepted_frames_total: number;
  readonly error: Failure | null;
  readonly repetitions?: Readonly<Record<string, number>> | null;
  readonly interrupted_total?: number | null;
  readonly quality?: Quality | null;
}

export type ServerMessage =
  | SessionUpdate
  | FrameAck
  | SessionDone
  | {readonly type: "event_batch"; readonly events: readonly DetectionEvent[]}
  | {readonly type: "error"; readonly error: Failure}
  | {readonly type: "ping" | "pong"};

/** 10 µm, and as fine of a visibility: more digits are most of a message, and noise. */
const STEPS = 1e5;

/** A moment with a pose, as it is sent. `frameSeq`, from 1, grows with each frame of the session. */
export function frameOf(moment: Moment, frameSeq: number): object {
  return {
    frame_seq: frameSeq,
    timestamp_ms: moment.timestampMs,
    pose_schema: POSE_SCHEMA,
    confidence: 1,
    source: null,
    landmarks: (moment.landmarks ?? []).map(({x, y, z, visibility}, index) => ({
      name: LANDMARK_NAMES[index],
      x: rounded(x),
      y: rounded(y),
      z: rounded(z),
      visibility: visibility == null ? null : rounded(visibility),
    })),
  };
}

function rounded(value: number): number {
  return Math.round(value * STEPS) / STEPS;
}
