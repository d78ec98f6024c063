import {tell} from "./callbacks.js";
import {type CameraChoice, cameraFailure, openCamera, requireSupport} from "./camera_access.js";
import {MediaClock} from "./clock.js";
import {KynaError} from "./errors.js";
import {
  type Found,
  type Landmarker,
  landmarkerFailed,
  loadLandmarker,
  requireWebGL,
} from "./landmarker.js";
import type {LandmarkerFiles} from "./landmarker_files.js";
import {createOverlay, type Overlay} from "./overlay.js";
import type {Moment, Pose} from "./pose.js";

/** Without a picture for so long, nobody is there: a little over the engine's 2 s. */
const SILENT_MS = 2_050;
/** A landmarker hangs after so long. Without a GPU the first picture takes up to 10 s. */
const HANGS_MS = 30_000;

/** A moment of a camera: `image` has the same pose as shares of the picture, not mirrored. */
export interface CameraMoment extends Moment {
  readonly image: Pose | null;
}

/** `failed`: it could not start, or what it needs went away. It may be started again. */
export type CameraState = "stopped" | "starting" | "running" | "failed";

export interface CameraOptions extends CameraChoice, Partial<LandmarkerFiles> {
  /** Shows the picture. */
  readonly video: HTMLVideoElement;
  /** What finds the person; if it isn't given, `@mediapipe/pose` is loaded from `files`. */
  readonly landmarker?: Landmarker | Promise<Landmarker> | undefined;
  /** A canvas over the video and of its size, for the skeleton. */
  readonly overlay?: HTMLCanvasElement | undefined;
  readonly onMoment: (moment: CameraMoment) => void;
  /** The error is null but for `failed`. */
  readonly onState?: ((state: CameraState, error: KynaError | null) => void) | undefined;
}

/** A camera whose picture is shown, and for which nothing was loaded yet. */
export interface OpenedCamera {
  /**
   * Loads the landmarker, and begins. Resolves once it runs; where the camera was stopped since, it
   * starts nothing. Rejects with `camera_lost`, or what `loadLandmarker` rejects with.
   */
  start(): Promise<void>;
}

export interface Camera {
  readonly state: CameraState;
  /** Whether the video and the overlay are mirrored for the eye; no landmark is. */
  readonly isMirrored: boolean;
  /**
   * Asks for the camera, and shows its picture. The state is `starting` until the landmarker runs,
   * which is loaded by `start()` of what this resolves to: between the two a page asks for its
   * session. Resolves also where the camera is stopped before.
   *
   * Rejects with `insecure_context`, `unsupported_browser`, `webgl_unavailable`,
   * `permission_denied`, `no_camera` or `camera_busy`.
   */
  open(): Promise<OpenedCamera>;
  /**
   * Both steps at once. Resolves once it runs, or is stopped before.
   *
   * Rejects as `open` and its `start` do.
   */
  start(): Promise<void>;
  /** Lets the camera go, and a landmarker that it loaded itself. */
  stop(): void;
}

/**
 * A camera, and a landmarker that finds a person in its pictures.
 *
 * While a picture is looked at, others are passed over. Where no picture comes any more, as in a
 * page that is hidden, one moment of nobody tells it.
 */
export function createCamera(options: CameraOptions): Camera {
  return new VideoCamera(options);
}

/** One asking for the camera, and what follows. */
interface Opening extends OpenedCamera {
  readonly opened: Promise<OpenedCamera>;
}

class VideoCamera implements Camera {
  state: CameraState = "stopped";
  isMirrored = false;
  readonly #options: CameraOptions;
  readonly #overlay: Overlay | null;
  #run = new AbortController();
  #opening: Opening | null = null;

  constructor(options: CameraOptions) {
    if (!options.landmarker && !options.files) throw new TypeError("Give landmarker or files.");
    this.#options = options;
    this.#overlay = options.overlay ? createOverlay(options.overlay, options.video) : null;
  }

  open(): Promise<OpenedCamera> {
    return this.#opened().opened;
  }

  start(): Promise<void> {
    return this.#opened().start();
  }

  stop(): void {
    if (this.state === "stopped") return;
    this.#run.abort();
    this.#become("stopped", null);
  }

  /** That which goes on, or a new one. */
  #opened(): Opening {
    const isOn = this.state === "starting" || this.state === "running";
    if (isOn && this.#opening) return this.#opening;
    const run = new AbortController();
    const over = new Promise<void>((resolve, reject) => {
      atEnd(run.signal, () => {
        const {reason} = run.signal;
        if (reason instanceof KynaError) reject(reason);
        else resolve();
      });
    });
    const step = (doing: Promise<void>) =>
      Promise.race([
        over,
        doing.catch((error) => {
          if (!run.signal.aborted) throw this.#fail(error);
        }),
      ]);
    this.#run = run;
    const shown = step(this.#ask(run.signal));
    let started: Promise<void> | undefined;
    const start = () => {
      started ??= step(shown.then(() => this.#begin(run.signal)));
      return started;
    };
    const opened = shown.then(() => ({start}));
    opened.catch(() => {}); // start() tells it too, and onState
    this.#opening = {opened, start};
    this.#become("starting", null);
    return this.#opening;
  }

  async #ask(signal: AbortSignal): Promise<void> {
    requireSupport();
    if (!this.#options.landmarker) requireWebGL();
    const media = await openCamera(this.#options);
    atEnd(signal, () => {
      for (const track of media.getTracks()) track.stop();
    });
    if (!signal.aborted) await this.#show(media, signal);
  }

  async #begin(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    const {landmarker: given, files = "", model, fileTimeoutMs, onProgress} = this.#options;
    const landmarker = await (given ??
      loadLandmarker({files, model, fileTimeoutMs, onProgress}, {signal}));
    if (!given) atEnd(signal, () => landmarker.close());
    if (signal.aborted) return;
    this.#become("running", null);
    this.#look(landmarker, signal);
  }

  async #show(media: MediaStream, signal: AbortSignal): Promise<void> {
    const {video, overlay} = this.#options;
    const [track] = media.getVideoTracks();
    track?.addEventListener("ended", () => this.#fail(cameraFailure("camera_lost")), {signal});
    this.isMirrored = track?.getSettings().facingMode !== "environment";
    const elements = overlay ? [video, overlay] : [video];
    for (const {style} of elements) style.transform = this.isMirrored ? "scaleX(-1)" : "";
    atEnd(signal, () => {
      video.srcObject = null;
      this.#overlay?.draw(null);
    });
    video.muted = video.playsInline = true;
    video.srcObject = media;
    await video.play().catch((cause) => {
      throw cameraFailure("camera_busy", cause);
    });
  }

  /** Look at one picture after the other, until the end. */
  #look(landmarker: Landmarker, signal: AbortSignal): void {
    const {video} = this.#options;
    const clock = new MediaClock();
    let timer: ReturnType<typeof setTimeout> | undefined;
    atEnd(signal, () => clearTimeout(timer));
    const tellMoment = (timestampMs: number, found: Found | null) => {
      const image = found?.image ?? null;
      this.#overlay?.draw(image);
      tell(this.#options.onMoment, {timestampMs, landmarks: found?.world ?? null, image});
    };
    const onPicture = async (now: number, {mediaTime}: VideoFrameCallbackMetadata) => {
      if (signal.aborted) return;
      clearTimeout(timer);
      timer = setTimeout(() => this.#fail(new Error("It does not answer.")), HANGS_MS);
      const timestampMs = clock.at(now, mediaTime);
      let found: Found | null;
      try {
        found = await landmarker.detect(video, timestampMs);
      } catch (error) {
        if (!signal.aborted) this.#fail(error);
        return;
      }
      if (signal.aborted) return;
      clearTimeout(timer);
      timer = setTimeout(() => tellMoment(clock.silent(performance.now()), null), SILENT_MS);
      video.requestVideoFrameCallback(onPicture);
      tellMoment(timestampMs, found);
    };
    video.requestVideoFrameCallback(onPicture);
  }

  #fail(cause: unknown): KynaError {
    const error = cause instanceof KynaError ? cause : landmarkerFailed(cause);
    this.#run.abort(error);
    this.#become("failed", error);
    return error;
  }

  #become(state: CameraState, error: KynaError | null): void {
    this.state = state;
    tell(this.#options.onState, state, error);
  }
}

/** Run an action when the signal is aborted, or now if it already is. */
function atEnd(signal: AbortSignal, action: () => void): void {
  if (signal.aborted) action();
  else signal.addEventListener("abort", action);
}
