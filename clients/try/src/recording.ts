/** Recordings of poses: files as docs/recordings.md describes them. */

import {KynaError, LANDMARK_NAMES, type Landmark, type Moment, type Pose} from "@kynaplatform/web";

const SLOWEST_FPS = 0.1;
const FASTEST_FPS = 1_000;
const FARTHEST_METRES = 1_000;

export interface Recording {
  /** What is done, in the words of who recorded it. */
  readonly exercise: string;
  /** The repetitions that people counted. */
  readonly count: number | null;
  /** Frames a second. */
  readonly fps: number;
  /** A frame is null where nobody was found. */
  readonly frames: readonly (Pose | null)[];
}

/**
 * Read a file; rejects with a KynaError: `recording_invalid` says what is wrong with it, and
 * `cannot_unpack` that the browser is too old.
 */
export async function readRecording(file: Blob): Promise<Recording> {
  if (!("DecompressionStream" in globalThis)) {
    const message = "This browser can't unpack a recording, such as the figure's.";
    throw new KynaError({code: "cannot_unpack", message, retryable: false});
  }
  let document: unknown;
  try {
    document = JSON.parse(await unpacked(file));
  } catch (cause) {
    throw invalid("it is not JSON packed by gzip", cause);
  }
  return recordingOf(document);
}

/** Read the figure's recording at an address of the server; rejects with a KynaError. */
export async function fetchRecording(address: string, signal: AbortSignal): Promise<Recording> {
  const answer = await fetch(address, {signal}).catch(() => null);
  const file = answer?.ok ? await answer.blob().catch(() => null) : null;
  if (!file) {
    const message = "The figure can't be loaded.";
    throw new KynaError({code: "unreachable", message, retryable: true});
  }
  return readRecording(file);
}

export function momentsOf({fps, frames}: Recording): Moment[] {
  return frames.map((landmarks, index) => ({timestampMs: (index * 1000) / fps, landmarks}));
}

function unpacked(file: Blob): Promise<string> {
  return new Response(file.stream().pipeThrough(new DecompressionStream("gzip"))).text();
}

function recordingOf(document: unknown): Recording {
  if (typeof document !== "object" || document === null) throw invalid("it is not a JSON object");
  const {exercise, count = null, fps, frames} = document as Record<string, unknown>;
  if (count !== null && !(Number.isInteger(count) && (count as number) >= 0)) {
    throw invalid("its count is no number of repetitions");
  }
  if (!isNumber(fps, SLOWEST_FPS, FASTEST_FPS)) {
    throw invalid(`its fps is not a number from ${SLOWEST_FPS} to ${FASTEST_FPS}`);
  }
  if (!Array.isArray(frames)) throw invalid("it has no list of frames");
  if (!frames.some((frame) => frame !== null)) throw invalid("it has no frame with a pose");
  return {
    exercise: typeof exercise === "string" ? exercise : "",
    count: count as number | null,
    fps,
    frames: frames.map((frame, index) => (frame === null ? null : poseOf(frame, index))),
  };
}

function poseOf(frame: unknown, index: number): Pose {
  if (!Array.isArray(frame) || frame.length !== LANDMARK_NAMES.length) {
    throw invalid(`its frame ${index} is neither null nor ${LANDMARK_NAMES.length} landmarks`);
  }
  return frame.map((numbers, at): Landmark => {
    const [x, y, z, visibility = null] = Array.isArray(numbers) ? numbers : [];
    const isPoint = [x, y, z].every((one) => isNumber(one, -FARTHEST_METRES, FARTHEST_METRES));
    if (!isPoint || !(visibility === null || isNumber(visibility, 0, 1))) {
      throw invalid(`in its frame ${index} the ${LANDMARK_NAMES[at]} is no [x, y, z, visibility]`);
    }
    return {x, y, z, visibility};
  });
}

function isNumber(value: unknown, least: number, most: number): value is number {
  return typeof value === "number" && value >= least && value <= most;
}

function invalid(why: string, cause?: unknown): KynaError {
  const message = `This file is no recording: ${why}.`;
  return new KynaError({code: "recording_invalid", message, retryable: false}, {cause});
}
