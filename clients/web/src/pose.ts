/** The names of a pose's 33 landmarks, in the order of MediaPipe's pose landmarker. */
export const LANDMARK_NAMES = [
  "nose",
  "left_eye_inner",
  "left_eye",
  "left_eye_outer",
  "right_eye_inner",
  "right_eye",
  "right_eye_outer",
  "left_ear",
  "right_ear",
  "mouth_left",
  "mouth_right",
  "left_shoulder",
  "right_shoulder",
  "left_elbow",
  "right_elbow",
  "left_wrist",
  "right_wrist",
  "left_pinky",
  "right_pinky",
  "left_index",
  "right_index",
  "left_thumb",
  "right_thumb",
  "left_hip",
  "right_hip",
  "left_knee",
  "right_knee",
  "left_ankle",
  "right_ankle",
  "left_heel",
  "right_heel",
  "left_foot_index",
  "right_foot_index",
] as const;

export const POSE_SCHEMA = "mediapipe_pose_landmarker/v1";

/** Which landmarks a skeleton joins, by their index. */
export const CONNECTIONS: readonly (readonly [number, number])[] = [
  [11, 12],
  [11, 13],
  [13, 15],
  [15, 19],
  [12, 14],
  [14, 16],
  [16, 20],
  [11, 23],
  [12, 24],
  [23, 24],
  [23, 25],
  [25, 27],
  [27, 29],
  [29, 31],
  [27, 31],
  [24, 26],
  [26, 28],
  [28, 30],
  [30, 32],
  [28, 32],
];

/** A point. Of the world: metres from the middle of the hips. Of an image: shares of its size. */
export interface Landmark {
  readonly x: number;
  readonly y: number;
  readonly z: number;
  /** 0 to 1. */
  readonly visibility?: number | null | undefined;
}

/** 33 landmarks, in the order of LANDMARK_NAMES. */
export type Pose = readonly Landmark[];

/** What a source shows at a time: a pose, or nobody. */
export interface Moment {
  /** Milliseconds from any origin, which grow from moment to moment. */
  readonly timestampMs: number;
  /** World landmarks, in metres; null where nobody was found. */
  readonly landmarks: Pose | null;
}
