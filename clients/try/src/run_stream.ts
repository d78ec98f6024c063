import {createClient, createStream, LATE_MS, type Moment, type StreamEnd} from "@kynaplatform/web";
import {stopped} from "./abort.js";
import type {Live} from "./live.js";
import {
  droppedProblem,
  outcomeProblems,
  type Problem,
  problemOf,
  rejectedProblem,
} from "./problems.js";
import type {Run} from "./run.js";
import type {Opened} from "./session.js";
import type {Source} from "./source.js";
import {shareOf} from "./target.js";

/** How a run ended, beside what was counted. */
export interface Ending {
  /** Completed repetitions by their `event_key`, as the server has them; null if it did not say. */
  readonly repetitions: Readonly<Record<string, number>> | null;
  /** The longest hold, as the server has it; null for repetitions, and if it did not say. */
  readonly longestMs: number | null;
  readonly problems: readonly Problem[];
}

/**
 * Stream a source to a session, until the target is reached, the source or the session ends, or
 * `stopping` is aborted.
 *
 * Whatever goes wrong meanwhile is among the problems of the answer.
 */
export async function runStream(
  {session, access_token}: Opened,
  source: Source,
  live: Live,
  run: Run,
  stopping: AbortController,
): Promise<Ending> {
  const stopAtTarget = () => {
    if (run.target && shareOf(run.target, run) === 1) stopping.abort();
  };
  const problems: Problem[] = [];
  const rejected = new Map<string, number>();
  const stream = createStream(session, {
    onEvent: (event) => {
      live.take(event);
      stopAtTarget();
    },
    onState: (state) => live.line(state),
    onReadiness: (readiness) => live.guide(readiness),
    onHold: (hold) => live.hold(hold),
    onError: () => stopping.abort(), // nothing counts, and the summary says why
    lateMs: LATE_MS * source.speed,
    onRejected: (reason, frames) => rejected.set(reason, (rejected.get(reason) ?? 0) + frames),
  });
  live.line(stream.state);
  const take = (moment: Moment): Promise<void> => {
    live.add(moment);
    stream.add(moment);
    stopAtTarget();
    return stream.ready;
  };
  const sourceEnd = source.play(take).catch((error) => problems.push(problemOf(error)));
  const streamEnd = stream.ended.catch(() => null);
  // A recording that waits for room would not see it while the line is lost.
  await Promise.race([sourceEnd, streamEnd, stopped(stopping.signal)]);
  stopping.abort();
  live.finish(() => stream.close());
  let end: StreamEnd | null = null;
  try {
    end = await stream.finalize();
    problems.push(...outcomeProblems(end));
    if (end.missedEvents) {
      const client = createClient({
        baseUrl: location.origin,
        tokenProvider: async () => access_token,
      });
      for await (const event of client.sessions.events(session.session_id)) live.take(event);
    }
  } catch (error) {
    problems.push(problemOf(error));
  }
  if (stream.droppedFrames > 0) problems.push(droppedProblem(stream.droppedFrames));
  problems.push(...[...rejected].map(([reason, frames]) => rejectedProblem(reason, frames)));
  run.counted = end?.summary?.[run.movement.event_key] ?? null;
  const longestMs = run.counted?.longest_ms ?? null;
  return {repetitions: end?.repetitions ?? null, longestMs, problems};
}
