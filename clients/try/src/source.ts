/** The sources of poses, which draw them as they come. */

import {createCamera, type Moment} from "@kynaplatform/web";
import {stopped} from "./abort.js";
import {byId} from "./dom.js";
import {drawFigure, Placement} from "./figure.js";
import {bytesOf} from "./loading.js";
import type {Landmarker} from "./page_data.js";
import {play} from "./playback.js";
import {momentsOf, type Recording} from "./recording.js";

/** A source that may be had. Each step rejects with a KynaError, and resolves once it is stopped. */
export interface Source {
  /** How many times as fast as it was. */
  readonly speed: number;
  /** Whether somebody has to step back from the device first. */
  readonly isCamera: boolean;
  /** Load what it needs beside: megabytes, for a camera. */
  load(): Promise<void>;
  /** Give each moment as it comes, to its end. */
  play(take: (moment: Moment) => Promise<void>): Promise<void>;
}

const video = (): HTMLVideoElement => byId("video", HTMLVideoElement);
const canvas = (): HTMLCanvasElement => byId("skeleton", HTMLCanvasElement);

/** Ask for the camera, and show its picture; rejects with a KynaError. */
export async function openCamera(
  files: Landmarker,
  onProgress: (loaded: number, total: number) => void,
  signal: AbortSignal,
): Promise<Source> {
  let take = async (_: Moment): Promise<void> => {};
  let fail = (_: unknown): void => {};
  const failed = new Promise<void>((_, reject) => {
    fail = reject;
  });
  failed.catch(() => {}); // told by each step until it runs
  video().hidden = false;
  const model = matchMedia("(pointer: coarse)").matches ? "lite" : "full";
  const total = bytesOf(files, model);
  const camera = createCamera({
    video: video(),
    overlay: canvas(),
    files: (name) => files[name]?.url ?? name,
    model,
    onProgress: (loaded) => onProgress(loaded, total),
    onMoment: (moment) => void take(moment),
    onState: (_, error) => error && fail(error),
  });
  signal.addEventListener("abort", () => camera.stop());
  const opened = await camera.open();
  return {
    speed: 1,
    isCamera: true,
    async load() {
      onProgress(0, total);
      await opened.start();
    },
    async play(given) {
      take = given;
      await Promise.race([failed, stopped(signal)]);
    },
  };
}

/** Play a recording at its own pace, or `speed` times as fast. */
export function openRecording(recording: Recording, speed: number, signal: AbortSignal): Source {
  const placement = new Placement(recording);
  return {
    speed,
    isCamera: false,
    load: async () => {},
    play(take) {
      const drawn = (moment: Moment): Promise<void> => {
        drawFigure(canvas(), moment.landmarks, placement);
        return take(moment);
      };
      return play(momentsOf(recording), speed, drawn, signal);
    },
  };
}
