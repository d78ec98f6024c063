/** The batches of frames: packed for `kyna.v2`, and of the same numbers as text for `kyna.v1`. */

import {LANDMARK_NAMES, type Moment, POSE_SCHEMA} from "./pose.js";

export const PACKED = "kyna.v2";
export const TEXT = "kyna.v1";

const VERSION = 1;
const HAS_CLOCK = 1;
const HEADER_BYTES = 24;
const COORDINATES = 3 * LANDMARK_NAMES.length;
const VISIBILITY_AT = 16 + 2 * COORDINATES;
const CONFIDENCE_AT = VISIBILITY_AT + LANDMARK_NAMES.length;
const FRAME_BYTES = CONFIDENCE_AT + 1;
const STEPS_PER_METRE = 1_000;
const MAX_STEPS = 0x7fff;
const VISIBILITY_STEPS = 250;
const UNKNOWN_VISIBILITY = 255;
const TWO_32 = 2 ** 32;

/** The frames have the numbers from `firstSeq`; `clockMs` is null where no time is to be told. */
export function packed(
  batchSeq: number,
  poses: readonly Moment[],
  firstSeq: number,
  clockMs: number | null,
): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(HEADER_BYTES + poses.length * FRAME_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, VERSION);
  view.setUint8(1, clockMs === null ? 0 : HAS_CLOCK);
  view.setUint16(2, poses.length, true);
  setNumber(view, 8, batchSeq);
  view.setFloat64(16, clockMs ?? 0, true);
  poses.forEach(({timestampMs, landmarks}, index) => {
    const at = HEADER_BYTES + index * FRAME_BYTES;
    setNumber(view, at, firstSeq + index);
    view.setFloat64(at + 8, timestampMs, true);
    landmarks?.forEach(({x, y, z, visibility}, of) => {
      [x, y, z].forEach((metres, axis) => {
        view.setInt16(at + 16 + 6 * of + 2 * axis, steps(metres), true);
      });
      view.setUint8(at + VISIBILITY_AT + of, visibilitySteps(visibility));
    });
    view.setUint8(at + CONFIDENCE_AT, VISIBILITY_STEPS);
  });
  return bytes;
}

/** What a packed batch is in `kyna.v1`. */
export function asText(bytes: Uint8Array<ArrayBuffer>): string {
  const view = new DataView(bytes.buffer);
  const frames = Array.from({length: view.getUint16(2, true)}, (_, index) => {
    const at = HEADER_BYTES + index * FRAME_BYTES;
    const metres = (of: number, axis: number): number =>
      view.getInt16(at + 16 + 6 * of + 2 * axis, true) / STEPS_PER_METRE;
    return {
      frame_seq: getNumber(view, at),
      timestamp_ms: view.getFloat64(at + 8, true),
      pose_schema: POSE_SCHEMA,
      confidence: 1,
      source: null,
      landmarks: LANDMARK_NAMES.map((name, of) => {
        const visibility = view.getUint8(at + VISIBILITY_AT + of);
        return {
          name,
          x: metres(of, 0),
          y: metres(of, 1),
          z: metres(of, 2),
          visibility: visibility === UNKNOWN_VISIBILITY ? null : visibility / VISIBILITY_STEPS,
        };
      }),
    };
  });
  const clock = view.getUint8(1) === HAS_CLOCK ? {clock_ms: view.getFloat64(16, true)} : {};
  return JSON.stringify({type: "frame_batch", batch_seq: getNumber(view, 8), frames, ...clock});
}

/** Why a moment can't be packed, as the server would say; null where it can. */
export function faultOf({timestampMs, landmarks}: Moment): string | null {
  if (!Number.isFinite(timestampMs)) return "malformed_frame";
  const isWhole =
    landmarks === null ||
    (landmarks.length === LANDMARK_NAMES.length &&
      landmarks.every(({x, y, z, visibility}) => Number.isFinite(x + y + z + (visibility ?? 0))));
  return isWhole ? null : "invalid_landmarks";
}

function steps(metres: number): number {
  return Math.max(-MAX_STEPS, Math.min(MAX_STEPS, Math.round(metres * STEPS_PER_METRE)));
}

function visibilitySteps(share: number | null | undefined): number {
  if (share == null) return UNKNOWN_VISIBILITY;
  return Math.max(0, Math.min(VISIBILITY_STEPS, Math.round(share * VISIBILITY_STEPS)));
}

/** A whole number up to 2^53 in 64 bits, without a BigInt. */
function setNumber(view: DataView, at: number, value: number): void {
  view.setUint32(at, value % TWO_32, true);
  view.setUint32(at + 4, Math.floor(value / TWO_32), true);
}

function getNumber(view: DataView, at: number): number {
  return view.getUint32(at, true) + TWO_32 * view.getUint32(at + 4, true);
}
