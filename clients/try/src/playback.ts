import type {Moment} from "@kynaplatform/web";

/**
 * Give the moments of a recording at their times, `speed` times as fast.
 *
 * Who takes them may take a while, for which the time stands still. Resolves after the last one, or
 * once `signal` is aborted.
 */
export async function play(
  moments: readonly Moment[],
  speed: number,
  take: (moment: Moment) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  let beganMs = performance.now();
  for (const moment of moments) {
    const dueMs = beganMs + moment.timestampMs / speed;
    if (dueMs > performance.now()) await untilTime(dueMs);
    if (signal.aborted) return;
    const givenMs = performance.now();
    await take(moment);
    beganMs += performance.now() - givenMs;
  }
}

function untilTime(dueMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, dueMs - performance.now()));
}
