import {element} from "./dom.js";
import {fitText} from "./fit_text.js";

/** Long enough to be read from three metres; then there is silence. */
const SHOWN_MS = 4_000;
/** In pixels. */
const MOST = 110;
const LEAST = 22;

/**
 * Shows what is told, as large as its box lets it be, and for a while.
 *
 * Before and after it something may stand there for as long as it is so.
 */
export class CueBoard {
  readonly #box: HTMLElement;
  #untilClear: ReturnType<typeof setTimeout> | undefined;
  #standing: string | null = null;
  #isShown = false;

  constructor(box: HTMLElement) {
    this.#box = box;
    addEventListener("resize", () => this.#fit());
  }

  show(text: string, level = "info", language = "en"): void {
    clearTimeout(this.#untilClear);
    this.#isShown = true;
    this.#write(text, level, language);
    this.#untilClear = setTimeout(() => this.clear(), SHOWN_MS);
  }

  /** Let a text stand where nothing else is told; null for none. */
  stand(text: string | null): void {
    if (text === this.#standing) return;
    this.#standing = text;
    if (!this.#isShown) this.clear();
  }

  /** What stands there stays. */
  clear(): void {
    clearTimeout(this.#untilClear);
    this.#isShown = false;
    if (this.#standing === null) this.#box.replaceChildren();
    else this.#write(this.#standing, "standing");
  }

  #write(text: string, level: string, language = "en"): void {
    const written = element("span", text, level);
    written.lang = language;
    this.#box.replaceChildren(written);
    this.#fit();
  }

  #fit(): void {
    if (this.#box.firstChild) fitText(this.#box, MOST, LEAST);
  }
}
