/** Keep a phone's screen on until `signal` is aborted, where the browser can. */
export function keepScreenOn(signal: AbortSignal): void {
  const ask = async (): Promise<void> => {
    if (document.visibilityState === "hidden") return;
    const lock = await navigator.wakeLock?.request("screen").catch(() => null);
    if (signal.aborted) await lock?.release();
    else signal.addEventListener("abort", () => void lock?.release());
  };
  void ask();
  // A browser takes it back from a page that is hidden.
  document.addEventListener("visibilitychange", ask, {signal});
}
