/** Loads the solution of `@mediapipe/pose`, which is made of classic scripts. */

import {KynaError} from "./errors.js";
import {FileLoads, type LandmarkerFiles} from "./landmarker_files.js";
import type {Landmark} from "./pose.js";

/** The part of `@mediapipe/pose` that is used. */
export interface PoseSolution {
  setOptions(options: {
    modelComplexity: number;
    selfieMode: boolean;
    smoothLandmarks: boolean;
  }): void;
  onResults(listener: (results: PoseResults) => void): void;
  initialize(): Promise<void>;
  send(inputs: {image: CanvasImageSource}, timestampMs: number): Promise<void>;
  close(): Promise<void>;
}
export interface PoseResults {
  readonly poseLandmarks?: Landmark[];
  readonly poseWorldLandmarks?: Landmark[];
}

/** Names of the page that the scripts set and read. */
interface Page {
  Pose?: new (config: {locateFile: (name: string) => string}) => PoseSolution;
  createMediapipeSolutionsPackedAssets?: EmscriptenModule;
  createMediapipeSolutionsWasm?: unknown;
  /** That of which the script of the assets takes the file system, once the WebAssembly is there. */
  Module?: EmscriptenModule;
}
/** What Emscripten asks of its module before it loads a file by itself. */
interface EmscriptenModule {
  getPreloadedPackage?: () => ArrayBuffer;
  instantiateWasm?: (
    imports: WebAssembly.Imports,
    done: (instance: WebAssembly.Instance) => void,
  ) => object;
}

const COMPLEXITY = {lite: 0, full: 1, heavy: 2};
const SOLUTION_SCRIPT = "pose.js";
const ASSETS = "pose_solution_packed_assets.data";
const ASSETS_SCRIPT = "pose_solution_packed_assets_loader.js";
/** What the solution asks for by fetch: the model, and the graph. */
const FETCHED = /\.(tflite|binarypb)$/;

// The scripts set names of the page: of two loads at once, each would overwrite the other's.
let lastScripts: Promise<unknown> = Promise.resolve();

/** Rejects with `models_unavailable`, or the reason of an aborted `signal`. */
export async function loadSolution(
  options: LandmarkerFiles,
  signal: AbortSignal | undefined,
): Promise<PoseSolution> {
  // Not AbortSignal.any: browsers of 2023 can do all else.
  const ended = new AbortController();
  const stop = () => ended.abort(signal?.reason);
  signal?.addEventListener("abort", stop);
  if (signal?.aborted) stop();
  try {
    return await new SolutionLoad(options, ended.signal).run();
  } finally {
    signal?.removeEventListener("abort", stop);
    ended.abort(); // what is still being loaded, where a file has failed
  }
}

class SolutionLoad {
  readonly #files: FileLoads;
  readonly #signal: AbortSignal;
  readonly #complexity: number;
  /** The solution waits for ever for some of its files: so each tells here that it failed. */
  readonly #failure: Promise<never>;
  #fail: (error: unknown) => void = () => {};
  /** The names of those that the solution asks for: of the assets, and of the WebAssembly. */
  readonly #scripts: string[] = [];
  #wasm: Promise<ArrayBuffer> | null = null;
  #isAssetsRead = false;

  constructor(options: LandmarkerFiles, signal: AbortSignal) {
    this.#files = new FileLoads(options, signal);
    this.#signal = signal;
    this.#complexity = COMPLEXITY[options.model ?? "full"];
    this.#failure = new Promise((_, reject) => {
      this.#fail = reject;
    });
    this.#failure.catch(() => {});
    signal.addEventListener("abort", () => this.#fail(signal.reason));
  }

  async run(): Promise<PoseSolution> {
    // Its script asks for it at once, and takes no promise.
    const assets = await this.#files.load(ASSETS);
    const scripts = lastScripts.then(() => this.#runScripts(assets));
    lastScripts = scripts.catch(() => {});
    // One that is given up does not wait for its turn.
    const {solution, initialized} = await Promise.race([scripts, this.#failure]);
    await Promise.race([initialized, this.#failure]);
    return solution;
  }

  /** Resolves once the scripts have run: the WebAssembly and the model may still be loading. */
  async #runScripts(assets: ArrayBuffer) {
    this.#signal.throwIfAborted();
    const page = globalThis as Page;
    if (!page.Pose) await this.#files.run(SOLUTION_SCRIPT);
    if (!page.Pose) throw this.#files.missing(SOLUTION_SCRIPT);
    let solution: PoseSolution | undefined;
    const ran = new Promise<void>((resolve) => {
      solution = new (page.Pose as NonNullable<Page["Pose"]>)({
        locateFile: (name) => this.#locate(name, assets, resolve),
      });
    });
    const made = solution as unknown as PoseSolution;
    made.setOptions({
      modelComplexity: this.#complexity,
      selfieMode: false,
      smoothLandmarks: true,
    });
    const initialized = made.initialize().catch((cause) => {
      throw this.#signal.aborted ? this.#signal.reason : this.#whyNot(cause);
    });
    initialized.catch(() => {}); // raced with what says more
    const script = () => (this.#isAssetsRead ? (this.#scripts[1] ?? "") : ASSETS_SCRIPT);
    try {
      await this.#files.within(script, Promise.race([ran, initialized, this.#failure]));
    } catch (error) {
      for (const name of this.#scripts) this.#files.giveUp(name);
      throw error;
    }
    return {solution: made, initialized};
  }

  /** Where a file is; what the solution would load by itself it is handed. */
  #locate(name: string, assets: ArrayBuffer, onScriptsRan: () => void): string {
    if (name.endsWith(".js")) this.#scripts.push(name);
    if (name === ASSETS_SCRIPT) {
      const page = globalThis as Page;
      const module = page.createMediapipeSolutionsPackedAssets ?? {};
      Object.assign(module, {
        getPreloadedPackage: () => {
          // The script of an earlier load, which came too late for it.
          if (this.#isAssetsRead) throw new Error("The landmarker's assets were read.");
          this.#isAssetsRead = true;
          return assets;
        },
        instantiateWasm: (
          imports: WebAssembly.Imports,
          done: (one: WebAssembly.Instance) => void,
        ) => {
          onScriptsRan();
          if (!this.#isAssetsRead) this.#fail(this.#files.missing(ASSETS_SCRIPT));
          else {
            const run = (instance: WebAssembly.Instance) => {
              page.Module = module; // of another load, if its script has run meanwhile
              done(instance);
            };
            this.#instantiate(imports).then(run, this.#fail);
          }
          return {};
        },
      } satisfies EmscriptenModule);
    } else if (name.endsWith(".js")) {
      this.#wasm = this.#load(name.replace(/js$/, "wasm"));
    } else if (FETCHED.test(name)) {
      answerNextFetch(this.#load(name).then((content) => new Response(content)));
    }
    return name.endsWith(".js") ? this.#files.scriptUrl(name) : this.#files.url(name);
  }

  #load(name: string): Promise<ArrayBuffer> {
    const content = this.#files.load(name);
    content.catch(this.#fail);
    return content;
  }

  async #instantiate(imports: WebAssembly.Imports): Promise<WebAssembly.Instance> {
    const bytes = await (this.#wasm as Promise<ArrayBuffer>);
    try {
      return (await WebAssembly.instantiate(bytes, imports)).instance;
    } catch (cause) {
      throw didNotStart(cause);
    }
  }

  #whyNot(cause: unknown): KynaError {
    const hasRun = typeof (globalThis as Page).createMediapipeSolutionsWasm === "function";
    if (!hasRun) return this.#files.missing(this.#scripts[1] ?? "");
    return cause instanceof KynaError ? cause : didNotStart(cause);
  }
}

/**
 * Answer the fetch that follows in this same step with what was loaded.
 *
 * The solution takes no bytes, and a policy need not allow the address of a blob.
 */
function answerNextFetch(answer: Promise<Response>): void {
  answer.catch(() => {});
  const {fetch} = globalThis;
  const restore = () => {
    if (globalThis.fetch === instead) globalThis.fetch = fetch;
  };
  const instead = () => {
    restore();
    return answer;
  };
  globalThis.fetch = instead;
  queueMicrotask(restore);
}

function didNotStart(cause: unknown): KynaError {
  const message =
    "The landmarker's files loaded, but did not start. The page's Content-Security-Policy needs 'wasm-unsafe-eval' in its script-src, and all files have to be of one version of @mediapipe/pose.";
  return new KynaError({code: "models_unavailable", message, retryable: false}, {cause});
}
