/** How numbers are written for people. */

export function timeText(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

export function secondsText(ms: number): string {
  return `${(ms / 1_000).toFixed(1)}\u00a0s`;
}

export function degreesText(degrees: number | null): string {
  return degrees === null ? "–" : `${Math.round(degrees)}°`;
}

export function countText(count: number, one: string, many: string): string {
  return `${count} ${count === 1 ? one : many}`;
}
