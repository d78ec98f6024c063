/// <reference lib="dom" preserve="true" />
export {
  type Camera,
  type CameraMoment,
  type CameraOptions,
  type CameraState,
  createCamera,
  type OpenedCamera,
} from "./camera.js";
export {
  type Client,
  type ClientOptions,
  createClient,
  type MoveSpec,
  type SessionCreate,
  type SessionCreated,
  type SessionRecord,
  type ValidationResult,
} from "./client.js";
export type {WebSocketConstructor} from "./connection.js";
export {KynaError} from "./errors.js";
export {LATE_MS} from "./events.js";
export {
  type Found,
  type Landmarker,
  loadLandmarker,
  type Picture,
  type TasksVisionLandmarker,
  tasksVision,
} from "./landmarker.js";
export type {LandmarkerFiles} from "./landmarker_files.js";
export type {
  BodySide,
  CheckResult,
  DetectionEvent,
  MeasureRange,
  MovementSummary,
  Quality,
  Readiness,
  Reason,
  RepetitionMetrics,
  RepetitionTimes,
  WayBack,
} from "./messages.js";
export {createOverlay, drawPose, type Overlay, pictureBox, standing} from "./overlay.js";
export {CONNECTIONS, LANDMARK_NAMES, type Landmark, type Moment, type Pose} from "./pose.js";
export {
  listenToSessionPage,
  type SessionPageEvent,
  type SessionPageEventOf,
  type SessionPageOptions,
  sessionPageUrl,
} from "./session_page.js";
export {createStream} from "./session_stream.js";
export type {
  Attempt,
  EndOptions,
  HoldProgress,
  Stream,
  StreamEnd,
  StreamEvent,
  StreamOptions,
  StreamSession,
  StreamState,
} from "./stream.js";
