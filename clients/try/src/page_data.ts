/** The data of the page, which the server writes into its element `try-data`. */

/** The angles, in degrees, at which a phase holds. */
export interface Band {
  readonly phase: string;
  readonly min: number;
  readonly max: number;
}

/** The angle of a joint. */
export interface Angle {
  readonly label: string;
  /** Three landmarks by their index, the joint in the middle: of the left side, and the right. */
  readonly landmarks: readonly (readonly [number, number, number])[];
  readonly bands: readonly Band[];
}

export interface Movement {
  readonly slug: string;
  readonly name: string;
  readonly summary: string;
  readonly event_key: string;
  readonly place: {readonly text: string};
  /** The address of a recording of the built-in figure. */
  readonly figure: string;
  readonly phases: readonly string[];
  /** The angle that carries the movement. */
  readonly angle: Angle;
}

/** The engine's settings that its angles depend on, by its own names; see docs/engine.md. */
export interface Engine {
  readonly depth_weight: number;
  readonly min_visibility: number;
  readonly smoothing_ms: number;
  readonly max_weight_m2: number;
  readonly least_weight_m2: number;
  readonly shortest_segment_m: number;
  readonly longest_segment_m: number;
  readonly lengthen_ms: number;
  readonly shorten_ms: number;
  readonly depth_ms: number;
  readonly seen_share: number;
  readonly fresh_ms: number;
  readonly jump_degrees: number;
  readonly jump_degrees_per_ms: number;
  readonly pose_lost_ms: number;
}

export interface PageData {
  readonly movements: readonly Movement[];
  readonly engine: Engine;
  /** The address at which a session is asked for. */
  readonly sessions: string;
  /** The addresses of the landmarker's files, by their names. */
  readonly landmarker: Readonly<Record<string, string>>;
}

export function readPageData(): PageData {
  return JSON.parse(document.getElementById("try-data")?.textContent ?? "") as PageData;
}
