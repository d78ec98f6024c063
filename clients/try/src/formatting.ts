/** How numbers are written for people. */

export function timeText(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

export function scoreText(score: number | null): string {
  return score === null ? "–" : `${Math.round(100 * score)}\u00a0%`;
}

export function countText(count: number, one: string, many: string): string {
  return `${count} ${count === 1 ? one : many}`;
}
