import {element} from "./dom.js";
import {fitText} from "./fit_text.js";

/** Long enough to be read from three metres; then there is silence. */
const SHOWN_MS = 4_000;
/** In pixels. */
const MOST = 110;
const LEAST = 22;

/** Shows what is told, as large as its box lets it be, and for a while. */
export class CueBoard {
  readonly #box: HTMLElement;
  #untilClear: ReturnType<typeof setTimeout> | undefined;

  constructor(box: HTMLElement) {
    this.#box = box;
    addEventListener("resize", () => this.#fit());
  }

  show(text: string, level = "info"): void {
    clearTimeout(this.#untilClear);
    this.#box.replaceChildren(element("span", text, level));
    this.#fit();
    this.#untilClear = setTimeout(() => this.clear(), SHOWN_MS);
  }

  clear(): void {
    clearTimeout(this.#untilClear);
    this.#box.replaceChildren();
  }

  #fit(): void {
    if (this.#box.firstChild) fitText(this.#box, MOST, LEAST);
  }
}
