/**
 * Milliseconds to wait before each further attempt: up to twice as long each time, and by chance, so
 * that clients which a restart cut off together come back apart.
 */
export class Backoff {
  readonly #shortestMs: number;
  readonly #longestMs: number;
  #nextMs: number;

  constructor(shortestMs: number, longestMs: number) {
    this.#shortestMs = this.#nextMs = shortestMs;
    this.#longestMs = longestMs;
  }

  next(): number {
    const ms = this.#nextMs * (0.5 + Math.random() / 2);
    this.#nextMs = Math.min(2 * this.#nextMs, this.#longestMs);
    return ms;
  }

  reset(): void {
    this.#nextMs = this.#shortestMs;
  }
}
