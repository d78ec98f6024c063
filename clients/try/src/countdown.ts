/** The seconds in which somebody steps back from the device. */

const SECOND_MS = 1_000;

/**
 * Tell each second that is left, from `seconds` to 1. Resolves at the end, or once `signal` is
 * aborted.
 */
export async function countDown(
  seconds: number,
  tell: (left: number) => void,
  signal: AbortSignal,
): Promise<void> {
  for (let left = seconds; left > 0 && !signal.aborted; left -= 1) {
    tell(left);
    await aSecond(signal);
  }
}

function aSecond(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, SECOND_MS);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
