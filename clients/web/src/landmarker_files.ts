/** The files of the landmarker: each is asked for once, and has a deadline of its own. */

import {tell} from "./callbacks.js";
import {KynaError} from "./errors.js";
import {after} from "./timers.js";

/** 1 Mbit/s brings the model and the WebAssembly, which are 13 MB and load side by side. */
const FILE_MS = 120_000;

export interface LandmarkerFiles {
  /** Where the files of the npm package `@mediapipe/pose` are: a folder, with its `/`, or by name. */
  readonly files: string | ((name: string) => string);
  /** `full` if it isn't given. `lite` is quicker, `heavy` finds better. */
  readonly model?: "lite" | "full" | "heavy" | undefined;
  /** How long each file may take, in milliseconds (120,000); then it is `models_unavailable`. */
  readonly fileTimeoutMs?: number | undefined;
  /** Told again and again how many bytes have come so far, unpacked and of all files together. */
  readonly onProgress?: ((loadedBytes: number) => void) | undefined;
}

/** How often a script was given up, by its address. */
const givenUp = new Map<string, number>();

/** The addresses of the files of one load, which ends with its signal. */
export class FileLoads {
  readonly #files: LandmarkerFiles["files"];
  readonly #timeoutMs: number;
  readonly #signal: AbortSignal;
  readonly #onProgress: LandmarkerFiles["onProgress"];
  #loadedBytes = 0;

  constructor({files, fileTimeoutMs = FILE_MS, onProgress}: LandmarkerFiles, signal: AbortSignal) {
    this.#files = files;
    this.#onProgress = onProgress;
    this.#timeoutMs = fileTimeoutMs;
    this.#signal = signal;
  }

  url(name: string): string {
    return typeof this.#files === "string" ? this.#files + name : this.#files(name);
  }

  /**
   * Where to get a script. A browser goes on waiting for one that was given up, and gives no other
   * of the same address meanwhile.
   */
  scriptUrl(name: string): string {
    const url = this.url(name);
    const times = givenUp.get(url);
    // What is made in the page takes no query, and does not stall.
    if (!times || /^(blob|data):/.test(url)) return url;
    return `${url}${url.includes("?") ? "&" : "?"}again=${times}`;
  }

  /** Keep a script that may still come from telling it to whoever waited for it. */
  giveUp(name: string): void {
    const url = this.url(name);
    const {href} = new URL(this.scriptUrl(name), document.baseURI);
    for (const script of [...document.scripts].filter(({src}) => src === href)) {
      for (const type of ["load", "error"]) {
        script.addEventListener(type, (event) => event.stopImmediatePropagation(), true);
      }
      script.remove();
    }
    givenUp.set(url, (givenUp.get(url) ?? 0) + 1);
  }

  /** The content of a file. Rejects with `models_unavailable`, or the reason of the signal. */
  async load(name: string): Promise<ArrayBuffer> {
    const ended = new AbortController();
    try {
      const onBytes = (bytes: number) => {
        if (ended.signal.aborted) return;
        this.#loadedBytes += bytes;
        tell(this.#onProgress, this.#loadedBytes);
      };
      return await this.within(() => name, fetched(this.url(name), ended.signal, onBytes));
    } finally {
      ended.abort();
    }
  }

  /** Run a classic script. Resolves also where it can't be had: only its global tells. */
  async run(name: string): Promise<void> {
    const script = document.createElement("script");
    script.src = this.scriptUrl(name);
    script.crossOrigin = "anonymous";
    const ran = new Promise((resolve) => {
      script.onload = script.onerror = resolve;
    });
    document.head.append(script);
    try {
      await this.within(() => name, ran);
    } catch (error) {
      this.giveUp(name);
      throw error;
    } finally {
      script.remove();
    }
  }

  /** What `wait` gives, within the time that a file has: the one that `name` then names. */
  within<T>(name: () => string, wait: Promise<T>): Promise<T> {
    const signal = this.#signal;
    let stop = () => {};
    let timer: ReturnType<typeof after>;
    const over = new Promise<never>((_, reject) => {
      stop = () => reject(signal.reason);
      timer = after(this.#timeoutMs, () => reject(unavailable(this.url(name()), this.#timeoutMs)));
      signal.addEventListener("abort", stop);
      if (signal.aborted) stop();
    });
    return Promise.race([wait, over]).finally(() => {
      clearTimeout(timer);
      signal.removeEventListener("abort", stop);
    });
  }

  missing(name: string): KynaError {
    return unavailable(this.url(name));
  }
}

async function fetched(
  url: string,
  signal: AbortSignal,
  onBytes: (bytes: number) => void,
): Promise<ArrayBuffer> {
  let response: Response;
  let content: ArrayBuffer;
  try {
    response = await fetch(url, {signal});
    const counted = new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        onBytes(chunk.byteLength);
        controller.enqueue(chunk);
      },
    });
    content = await new Response(response.body?.pipeThrough(counted)).arrayBuffer();
  } catch (cause) {
    throw unavailable(url, null, cause);
  }
  // A host of one page answers with that page what it does not have.
  const isPage = response.headers.get("Content-Type")?.startsWith("text/html");
  if (!response.ok || isPage) throw unavailable(url);
  return content;
}

function unavailable(url: string, lateMs: number | null = null, cause?: unknown): KynaError {
  const message =
    lateMs === null
      ? `A file of the landmarker did not load: ${url}. Look whether it is there and whether the page's Content-Security-Policy lets it load, then start again.`
      : `A file of the landmarker did not load within ${lateMs / 1000} s: ${url}. Check the connection, then start again.`;
  return new KynaError(
    {code: "models_unavailable", message, retryable: true, details: {url}},
    {cause},
  );
}
