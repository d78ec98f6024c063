import {KynaError} from "./errors.js";
import type {LandmarkerFiles} from "./landmarker_files.js";
import type {Landmark, Pose} from "./pose.js";
import {loadSolution, type PoseResults, type PoseSolution} from "./pose_solution.js";
import type {CallOptions} from "./requests.js";

/** A picture in which a landmarker looks for a person. */
export type Picture = HTMLVideoElement | HTMLCanvasElement | HTMLImageElement;

/** Who was found in a picture. */
export interface Found {
  /** In metres from the middle of the hips. */
  readonly world: Pose;
  /** As shares of the picture's width and height. */
  readonly image: Pose;
}

/** Finds a person in a picture. */
export interface Landmarker {
  /** `timestampMs` grows from picture to picture. Rejects with `landmarker_failed`. */
  detect(picture: Picture, timestampMs: number): Promise<Found | null>;
  close(): void;
}

/**
 * Load MediaPipe's landmarker from one's own host. It runs in the page's own thread.
 *
 * Rejects with `webgl_unavailable` or `models_unavailable`, or with the reason of an aborted
 * `signal`.
 */
export async function loadLandmarker(
  files: LandmarkerFiles,
  {signal}: CallOptions = {},
): Promise<Landmarker> {
  requireWebGL();
  return new PoseLandmarker(await loadSolution(files, signal));
}

class PoseLandmarker implements Landmarker {
  readonly #solution: PoseSolution;
  #results: PoseResults = {};
  #lastDetect: Promise<unknown> = Promise.resolve();

  constructor(solution: PoseSolution) {
    this.#solution = solution;
    solution.onResults((results) => {
      this.#results = results;
    });
  }

  detect(picture: Picture, timestampMs: number): Promise<Found | null> {
    const detect = this.#lastDetect.then(() => this.#detect(picture, timestampMs));
    this.#lastDetect = detect.catch(() => {});
    return detect;
  }

  close(): void {
    this.#lastDetect = this.#lastDetect.then(() => this.#solution.close());
  }

  async #detect(picture: Picture, timestampMs: number): Promise<Found | null> {
    this.#results = {};
    try {
      await this.#solution.send({image: picture}, timestampMs);
    } catch (cause) {
      throw landmarkerFailed(cause);
    }
    const {poseWorldLandmarks: world, poseLandmarks: image} = this.#results;
    return world?.length && image?.length ? {world, image} : null;
  }
}

/** The part of the PoseLandmarker of `@mediapipe/tasks-vision` that is used. */
export interface TasksVisionLandmarker {
  detectForVideo(picture: Picture, timestampMs: number): TasksVisionResult;
  close(): void;
}
interface TasksVisionResult {
  readonly landmarks: Landmark[][];
  readonly worldLandmarks: Landmark[][];
}

/** A PoseLandmarker of `@mediapipe/tasks-vision`, with running mode VIDEO, as a landmarker. */
export function tasksVision(poseLandmarker: TasksVisionLandmarker): Landmarker {
  return {
    async detect(picture, timestampMs) {
      let result: TasksVisionResult;
      try {
        result = poseLandmarker.detectForVideo(picture, timestampMs);
      } catch (cause) {
        throw landmarkerFailed(cause);
      }
      const [world, image] = [result.worldLandmarks[0], result.landmarks[0]];
      return world && image ? {world, image} : null;
    },
    close: () => poseLandmarker.close(),
  };
}

/** Raises `webgl_unavailable` where the landmarker could not run. */
export function requireWebGL(): void {
  const canvas = document.createElement("canvas");
  const context = canvas.getContext("webgl2") ?? canvas.getContext("webgl");
  if (context === null) {
    const message =
      "This browser has no WebGL, which finding a person needs. Turn on hardware acceleration in its settings, or take another browser.";
    throw new KynaError({code: "webgl_unavailable", message, retryable: false});
  }
  context.getExtension("WEBGL_lose_context")?.loseContext();
}

export function landmarkerFailed(cause: unknown): KynaError {
  const message = "The landmarker failed. Start the camera again, or load the page again.";
  return new KynaError({code: "landmarker_failed", message, retryable: true}, {cause});
}
