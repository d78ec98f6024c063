/** The data of a page, which the server writes into an element of it. */

/** The angles, in degrees, at which a phase holds. */
export interface Band {
  readonly phase: string;
  readonly min: number;
  readonly max: number;
}

/** Three landmarks by their index, a joint in the middle; or a segment's lower and upper end. */
export type Landmarks = readonly [number, number, number] | readonly [number, number];

/** The angle of a joint, or the lean of a segment. */
export interface Angle {
  /** The engine's name of the joint or segment. */
  readonly measure: string;
  readonly label: string;
  /** Of the left side, and of the right. */
  readonly landmarks: readonly Landmarks[];
  readonly bands: readonly Band[];
}

/** A number that people may choose for themselves. */
export interface Parameter {
  readonly name: string;
  readonly label: string;
  readonly default: number;
  readonly min: number;
  readonly max: number;
  /** `°`, ` ms`, or nothing. */
  readonly unit: string;
}

/** What is shown of any movement. */
export interface ShownMovement {
  readonly name: string;
  readonly event_key: string;
  readonly phases: readonly string[];
  /** How long it is to be held; null for repetitions. */
  readonly hold_ms: number | null;
  /** `view` is how somebody has to stand to the camera: `side`, `front` or `any`. */
  readonly setup: {readonly view: string};
  /** What a criterion measures, or the name of a check, by its path in the MoveSpec. */
  readonly labels: Readonly<Record<string, string>>;
  /** The angle that carries the movement. */
  readonly angle: Angle;
}

/** A movement of the catalogue. */
export interface Movement extends ShownMovement {
  readonly slug: string;
  readonly summary: string;
  /** That it is experimental, and why; empty where it is not. */
  readonly experimental: string;
  readonly place: {readonly text: string};
  /** The address of a recording of the built-in figure. */
  readonly figure: string;
  readonly parameters: readonly Parameter[];
  /** The tags of the languages that its cues are in; none where they are in one. */
  readonly languages: readonly string[];
}

/** The engine's settings that its angles depend on, by its own names; see docs/engine.md. */
export interface Engine {
  readonly depth_weight: number;
  readonly min_visibility: number;
  readonly smoothing_ms: number;
  readonly max_weight_m2: number;
  readonly min_weight_m2: number;
  readonly min_segment_m: number;
  readonly max_segment_m: number;
  readonly lengthen_ms: number;
  readonly shorten_ms: number;
  readonly depth_ms: number;
  readonly seen_share: number;
  readonly fresh_ms: number;
  readonly jump_degrees: number;
  readonly jump_degrees_per_ms: number;
  readonly pose_lost_ms: number;
}

/** The landmarker's files, by their names. */
export type Landmarker = Readonly<Record<string, {readonly url: string; readonly bytes: number}>>;

export interface TryData {
  readonly movements: readonly Movement[];
  readonly engine: Engine;
  /** The address at which a session is asked for. */
  readonly sessions: string;
  readonly landmarker: Landmarker;
}

/** The data of the page with this element. */
export function readPageData<Data>(id: string): Data {
  return JSON.parse(document.getElementById(id)?.textContent ?? "") as Data;
}
