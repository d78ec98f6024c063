const BETWEEN_MS = 2_000;

/** Tells a screen reader the latest of what happens, at most every two seconds. */
export class Announcer {
  readonly #region: HTMLElement;
  #next: string | null = null;
  #isWaiting = false;

  constructor(region: HTMLElement) {
    this.#region = region;
  }

  say(text: string): void {
    this.#next = text;
    if (!this.#isWaiting) this.#tell();
  }

  #tell(): void {
    this.#isWaiting = this.#next !== null;
    if (this.#next === null) return;
    this.#region.textContent = this.#next;
    this.#next = null;
    setTimeout(() => this.#tell(), BETWEEN_MS);
  }
}
