import {
  type Attempt,
  createStream,
  type DetectionEvent,
  LATE_MS,
  type Moment,
  type Readiness,
  type StreamEnd,
  type StreamEvent,
  type StreamSession,
} from "@kynaplatform/web";
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
import type {Source} from "./source.js";
import {shareOf} from "./target.js";

/** Why frames are refused that came after the end, as after a target that the session has. */
const AFTER_THE_END = "session_ending";

/** How a run ended, beside what was counted. */
export interface Ending {
  /** Completed repetitions by their `event_key`, as the server has them; null if it did not say. */
  readonly repetitions: Readonly<Record<string, number>> | null;
  /** The longest hold, as the server has it; null for repetitions, and if it did not say. */
  readonly longestMs: number | null;
  readonly problems: readonly Problem[];
}

/** The session to stream to, and what is done with what comes. */
export interface Streamed {
  readonly session: StreamSession;
  /** The session's events, of which some were missed; null where nobody may read them. */
  readonly readEvents: (() => AsyncIterable<DetectionEvent>) | null;
  /** The advice where the camera fails. */
  readonly withoutCamera?: string;
  /** What the page says of an error by its code, in place of what every page says. */
  readonly problems?: Readonly<Record<string, Problem>>;
  readonly onEvent?: (event: StreamEvent) => void;
  readonly onAttempt?: (attempt: Attempt) => void;
  readonly onReadiness?: (readiness: Readiness) => void;
  /** How it ended; null where that is not known. */
  readonly onEnd?: (end: StreamEnd | null, error: unknown) => void;
}

/**
 * Stream a source to a session, until the target is reached, the source or the session ends, or
 * `stopping` is aborted.
 *
 * Whatever goes wrong meanwhile is among the problems of the answer.
 */
export async function runStream(
  {
    session,
    readEvents,
    withoutCamera,
    problems: own = {},
    onEvent,
    onAttempt,
    onReadiness,
    onEnd,
  }: Streamed,
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
      onEvent?.(event);
      stopAtTarget();
    },
    onState: (state) => live.line(state),
    onReadiness: (readiness) => {
      live.guide(readiness);
      onReadiness?.(readiness);
    },
    onAttempt,
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
  const sourceEnd = source
    .play(take)
    .catch((error) => problems.push(problemOf(error, withoutCamera, own)));
  const streamEnd = stream.ended.catch(() => null);
  // A recording that waits for room would not see it while the line is lost.
  await Promise.race([sourceEnd, streamEnd, stopped(stopping.signal)]);
  stopping.abort();
  live.finish(() => stream.close());
  let end: StreamEnd | null = null;
  try {
    end = await stream.finalize();
    problems.push(...outcomeProblems(end));
    onEnd?.(end, null);
    if (end.missedEvents && readEvents) {
      for await (const event of readEvents()) live.take(event);
    }
  } catch (error) {
    if (end === null) onEnd?.(null, error);
    problems.push(problemOf(error, "", own));
  }
  if (stream.droppedFrames > 0) problems.push(droppedProblem(stream.droppedFrames));
  rejected.delete(AFTER_THE_END);
  problems.push(...[...rejected].map(([reason, frames]) => rejectedProblem(reason, frames)));
  run.counted = end?.summary?.[run.movement.event_key] ?? null;
  const longestMs = run.counted?.longest_ms ?? null;
  return {repetitions: end?.repetitions ?? null, longestMs, problems};
}
