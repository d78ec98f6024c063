/** Keep a phone's screen on until `signal` is aborted, where the browser can. */
export async function keepScreenOn(signal: AbortSignal): Promise<void> {
  const lock = await navigator.wakeLock?.request("screen").catch(() => null);
  if (signal.aborted) await lock?.release();
  else signal.addEventListener("abort", () => void lock?.release());
}
