/** What the end of a connection means: attach again, stop, or the session has ended. */

import {type Failure, KynaError} from "./errors.js";

/** A session that ended before the client could be told: the details say how. */
export const ALREADY_ENDED = 4410;
/** Another attach would be refused for the same reason, or (4409) take the session from a newer. */
const FINAL = new Set([1002, 1007, 1009, 4400, 4401, 4403, 4404, 4409, 4413]);
/** The code of a connection that ended without a close. */
export const ABNORMAL = 1006;

/** Why no further attach is tried; null where one may succeed. */
export function refusal(code: number, failure: Failure | null): KynaError | null {
  if (!FINAL.has(code)) return null;
  const told = failure ?? {
    code: "stream_closed",
    message: `The server closed the stream with ${code}.`,
    retryable: false,
  };
  return new KynaError(told, {closeCode: code});
}

/** Milliseconds that the server asked to wait before the next attach. */
export function wantedWaitMs(failure: Failure | null): number {
  const seconds = failure?.details?.retry_after_seconds;
  return typeof seconds === "number" ? 1000 * seconds : 0;
}
