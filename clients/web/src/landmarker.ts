import {KynaError} from "./errors.js";
import type {Landmark, Pose} from "./pose.js";

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

export interface LandmarkerFiles {
  /** Where the files of the npm package `@mediapipe/pose` are: a folder, with its `/`, or by name. */
  readonly files: string | ((name: string) => string);
  /** `full` if it isn't given. `lite` is quicker, `heavy` finds better. */
  readonly model?: "lite" | "full" | "heavy" | undefined;
}

/** The part of `@mediapipe/pose` that is used. */
interface PoseSolution {
  setOptions(options: {
    modelComplexity: number;
    selfieMode: boolean;
    smoothLandmarks: boolean;
  }): void;
  onResults(listener: (results: PoseResults) => void): void;
  initialize(): Promise<void>;
  send(inputs: {image: Picture}, timestampMs: number): Promise<void>;
  close(): Promise<void>;
}
interface PoseResults {
  readonly poseLandmarks?: Landmark[];
  readonly poseWorldLandmarks?: Landmark[];
}
type PoseConstructor = new (config: {locateFile: (name: string) => string}) => PoseSolution;

const COMPLEXITY = {lite: 0, full: 1, heavy: 2};

// A load sets names of the page: of two at once, each would overwrite the other's.
let lastLoad: Promise<unknown> = Promise.resolve();

/**
 * Load MediaPipe's landmarker from one's own host. It runs in the page's own thread.
 *
 * Rejects with `webgl_unavailable` or `models_unavailable`.
 */
export function loadLandmarker(options: LandmarkerFiles): Promise<Landmarker> {
  const load = lastLoad.then(() => loadAlone(options));
  lastLoad = load.catch(() => {});
  return load;
}

async function loadAlone({files, model = "full"}: LandmarkerFiles): Promise<Landmarker> {
  requireWebGL();
  const locate = typeof files === "string" ? (name: string) => files + name : files;
  const Solution = await poseConstructor(locate("pose.js"));
  // It waits for ever for a file that is missing. So each file that it asks for is asked for here
  // as well, which the browser's cache answers.
  const asked: Promise<void>[] = [];
  let fail: (error: KynaError) => void = () => {};
  const failure = new Promise<never>((_, reject) => {
    fail = reject;
  });
  const solution = new Solution({
    locateFile: (name) => {
      const url = locate(name);
      const file = requireFile(url);
      file.catch(fail);
      asked.push(file);
      return url;
    },
  });
  solution.setOptions({
    modelComplexity: COMPLEXITY[model],
    selfieMode: false,
    smoothLandmarks: true,
  });
  try {
    await Promise.race([solution.initialize(), failure]);
  } catch (cause) {
    await Promise.all(asked); // a file that is missing says more than what came of it
    throw didNotStart(cause);
  }
  return new PoseLandmarker(solution);
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

async function poseConstructor(url: string): Promise<PoseConstructor> {
  const page = globalThis as {Pose?: PoseConstructor};
  if (!page.Pose) {
    await requireFile(url);
    await new Promise((resolve) => {
      const script = document.createElement("script");
      script.src = url;
      script.crossOrigin = "anonymous";
      script.onload = script.onerror = resolve;
      document.head.append(script);
    });
  }
  if (!page.Pose) throw unavailable(url);
  return page.Pose;
}

async function requireFile(url: string): Promise<void> {
  let response: Response;
  try {
    response = await fetch(url);
    await response.arrayBuffer();
  } catch (cause) {
    throw unavailable(url, cause);
  }
  // A host of one page answers with that page what it does not have.
  const isPage = response.headers.get("Content-Type")?.startsWith("text/html");
  if (!response.ok || isPage) throw unavailable(url);
}

function unavailable(url: string, cause?: unknown): KynaError {
  const message = `A file of the landmarker did not load: ${url}. Look whether it is there and whether the page's Content-Security-Policy lets it load, then start again.`;
  return new KynaError(
    {code: "models_unavailable", message, retryable: true, details: {url}},
    {cause},
  );
}

function didNotStart(cause: unknown): KynaError {
  const message =
    "The landmarker's files loaded, but did not start. The page's Content-Security-Policy needs 'wasm-unsafe-eval' in its script-src, and all files have to be of one version of @mediapipe/pose.";
  return new KynaError({code: "models_unavailable", message, retryable: false}, {cause});
}
