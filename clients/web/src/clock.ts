/**
 * The time of a video's pictures, in milliseconds since 1970, for the time that it runs.
 *
 * Only the first picture's time of day counts, and after it the media's own clock, which is even.
 * Where that was set back or stood still, the time of day counts once more.
 */
export class MediaClock {
  #beganMs = Number.NaN;
  #lastMs = Number.NEGATIVE_INFINITY;
  #lastNow = 0;

  /** The time of a picture: `now` and `mediaTime` are what requestVideoFrameCallback gives. */
  at(now: number, mediaTime: number): number {
    const mediaMs = mediaTime * 1000;
    if (!(this.#beganMs + mediaMs > this.#lastMs)) {
      this.#beganMs = performance.timeOrigin + now - mediaMs;
    }
    return this.#tell(now, this.#beganMs + mediaMs);
  }

  /** The time `now` of performance.now(), at which no picture came. */
  silent(now: number): number {
    return this.#tell(now, this.#lastMs + now - this.#lastNow);
  }

  #tell(now: number, ms: number): number {
    this.#lastMs = Math.max(ms, this.#lastMs + 1);
    this.#lastNow = now;
    return this.#lastMs;
  }
}
