/** Shows how much of the landmarker's files has come. */

import {byId} from "./dom.js";
import type {Landmarker} from "./page_data.js";

const MB = 1_000_000;

/** What a camera with this model loads, in bytes: each browser takes one of the two WebAssemblies. */
export function bytesOf(landmarker: Landmarker, model: string): number {
  const loaded = [
    "pose_solution_packed_assets.data",
    "pose_solution_simd_wasm_bin.wasm",
    `pose_landmark_${model}.tflite`,
    "pose_web.binarypb",
  ];
  return loaded.reduce((sum, name) => sum + (landmarker[name]?.bytes ?? 0), 0);
}

export class Loading {
  readonly #part = byId("loading", HTMLElement);
  readonly #bar = byId("loading-bar", HTMLProgressElement);
  readonly #amount = byId("loading-amount", HTMLElement);

  show(loaded: number, total: number): void {
    this.#part.hidden = false;
    const isWhole = loaded >= total;
    this.#bar.max = total;
    this.#bar.value = Math.min(loaded, total);
    if (isWhole) this.#bar.removeAttribute("value");
    this.#amount.textContent = isWhole
      ? "Getting ready …"
      : `${(loaded / MB).toFixed(1)} of ${(total / MB).toFixed(1)} MB`;
  }

  hide(): void {
    this.#part.hidden = true;
  }
}
