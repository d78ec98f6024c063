/** The longest that setTimeout waits. It takes a longer time, such as Infinity, for none at all. */
const MAX_MS = 2 ** 31 - 1;

/** As setTimeout, for a time that a caller gives: Infinity is never. */
export function after(ms: number, action: () => void): ReturnType<typeof setTimeout> | undefined {
  return ms > MAX_MS ? undefined : setTimeout(action, ms);
}
