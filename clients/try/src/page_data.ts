/** What the server says to the page, in its element `try-data`. */

/** The angles, in degrees, at which a phase holds. */
export interface Band {
  readonly phase: string;
  readonly min: number;
  readonly max: number;
}

/** An angle that the phases of a movement bound. */
export interface Angle {
  readonly label: string;
  readonly kind: "joint" | "lean";
  /** Of each side of the body: three landmarks by their index, or a lean's lower and upper end. */
  readonly landmarks: readonly (readonly number[])[];
  readonly bands: readonly Band[];
}

export interface Movement {
  readonly slug: string;
  readonly name: string;
  readonly summary: string;
  readonly event_key: string;
  readonly place: {readonly turned: number; readonly text: string};
  /** The address of a recording of the built-in figure. */
  readonly figure: string;
  readonly phases: readonly string[];
  /** The first one carries the movement. */
  readonly angles: readonly Angle[];
}

export interface PageData {
  readonly movements: readonly Movement[];
  /** The address at which a session is asked for. */
  readonly sessions: string;
  /** The addresses of the landmarker's files, by their names. */
  readonly landmarker: Readonly<Record<string, string>>;
}

export function readPageData(): PageData {
  return JSON.parse(document.getElementById("try-data")?.textContent ?? "") as PageData;
}
