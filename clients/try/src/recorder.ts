/** Keeps what a source gives, and makes a recording of it, as docs/recordings.md describes them. */

import type {Landmark, Moment} from "@kynaplatform/web";
import {byId} from "./dom.js";
import type {Source} from "./source.js";

/** More would take the memory of a phone: 10 minutes are 18,000 poses. */
export const MAX_RECORDED_MS = 10 * 60_000;
/** A frame farther from every moment than this has no pose. */
const GAP_MS = 250;
/** Where there are no two moments to measure it by. */
const USUAL_INTERVAL_MS = 1000 / 30;

/** The same source, which also adds its first ten minutes to `moments`. */
export function recorded(source: Source, moments: Moment[]): Source {
  return {
    ...source,
    play: (take) =>
      source.play((moment) => {
        const firstMs = moments[0]?.timestampMs ?? moment.timestampMs;
        if (moment.timestampMs - firstMs <= MAX_RECORDED_MS) moments.push(moment);
        return take(moment);
      }),
  };
}

/**
 * A recording of what moments show, at their own rate: a camera's moments are not evenly spaced, a
 * recording's frames are. Each frame has the nearest moment's pose.
 */
export async function pack(exercise: string, moments: readonly Moment[]): Promise<File> {
  const fps = Number((1000 / medianInterval(moments)).toFixed(3));
  const recording = {
    exercise,
    count: null,
    rep_frames: null,
    fps,
    source: "/try",
    frames: framesOf(moments, fps),
  };
  const text = new Blob([JSON.stringify(recording)]).stream();
  const packed = await new Response(text.pipeThrough(new CompressionStream("gzip"))).blob();
  return new File([packed], `${exercise}.json.gz`, {type: "application/gzip"});
}

function medianInterval(moments: readonly Moment[]): number {
  const intervals = moments
    .slice(1)
    .map(({timestampMs}, index) => timestampMs - (moments[index]?.timestampMs ?? 0))
    .sort((one, other) => one - other);
  return intervals[Math.floor(intervals.length / 2)] ?? USUAL_INTERVAL_MS;
}

function framesOf(moments: readonly Moment[], fps: number): (number[][] | null)[] {
  const [firstMs, lastMs] = [moments[0]?.timestampMs ?? 0, moments.at(-1)?.timestampMs ?? 0];
  const length = Math.round(((lastMs - firstMs) * fps) / 1000) + 1;
  let at = 0;
  return Array.from({length}, (_, frame) => {
    const ms = firstMs + (frame * 1000) / fps;
    const distance = (index: number): number =>
      Math.abs((moments[index]?.timestampMs ?? Number.POSITIVE_INFINITY) - ms);
    while (distance(at + 1) < distance(at)) at += 1;
    const pose = distance(at) <= GAP_MS ? moments[at]?.landmarks : null;
    return pose?.map(numbersOf) ?? null;
  });
}

function numbersOf({x, y, z, visibility}: Landmark): number[] {
  const known = visibility === null || visibility === undefined ? [x, y, z] : [x, y, z, visibility];
  return known.map((value) => Math.round(value * 1e5) / 1e5);
}

/** After a run: save its recording, or count it again. */
export class RecordingOffer {
  readonly #part = byId("recording-part", HTMLElement);
  readonly #save = byId("save-recording", HTMLAnchorElement);
  readonly #countAgain = byId("count-again", HTMLButtonElement);
  readonly #onCountAgain: (recording: File) => void;

  constructor(onCountAgain: (recording: File) => void) {
    this.#onCountAgain = onCountAgain;
  }

  /** Offer nothing where nobody was seen, or an old browser can't pack. */
  async open(exercise: string, moments: readonly Moment[]): Promise<void> {
    this.#part.hidden = true;
    URL.revokeObjectURL(this.#save.href);
    const isSeen = moments.some(({landmarks}) => landmarks !== null);
    if (!isSeen || !("CompressionStream" in globalThis)) return;
    const recording = await pack(exercise, moments);
    this.#save.href = URL.createObjectURL(recording);
    this.#save.download = recording.name;
    this.#countAgain.onclick = () => this.#onCountAgain(recording);
    this.#part.hidden = false;
  }
}
