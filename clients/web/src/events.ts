import type {DetectionEvent} from "./messages.js";
import type {Attempt, StreamEvent} from "./stream.js";

/** As long as a repetition takes. What comes later is about one that is over. */
export const LATE_MS = 3_000;

/** What an older server does not say is null. */
export function attemptOf({
  ts_ms,
  payload,
  isLate,
}: StreamEvent & {readonly type: "event_interrupted"}): Attempt {
  const {reason, number = null, side = null, path = null, by = null} = payload;
  return {timestampMs: ts_ms, reason, number, side, path, by, isLate};
}

/** The events of a session, each once, for any number of readers. */
export class EventLog implements AsyncIterable<StreamEvent> {
  readonly #events: StreamEvent[] = [];
  readonly #known = new Set<string>();
  readonly #lateMs: number;
  #newestMs = Number.NEGATIVE_INFINITY;
  #isOver = false;
  #failure: Error | null = null;
  #wake: () => void = () => {};
  #news = this.#next();

  constructor(lateMs: number = LATE_MS) {
    this.#lateMs = lateMs;
  }

  /** The source has come to this time, from which it counts how late an event is. */
  reach(timestampMs: number): void {
    if (timestampMs > this.#newestMs) this.#newestMs = timestampMs;
  }

  /** The new ones of `events`: what was sent again after an attach is left out. */
  take(events: readonly DetectionEvent[]): StreamEvent[] {
    const fresh = events
      .filter(({event_id}) => !this.#known.has(event_id))
      .map((event) => ({...event, isLate: event.ts_ms < this.#newestMs - this.#lateMs}));
    for (const event of fresh) this.#known.add(event.event_id);
    this.#events.push(...fresh);
    if (fresh.length > 0) this.#tell();
    return fresh;
  }

  end(failure: Error | null): void {
    this.#isOver = true;
    this.#failure = failure;
    this.#tell();
  }

  /** All events from the first on, as they come; a failed stream ends it with its failure. */
  async *[Symbol.asyncIterator](): AsyncGenerator<StreamEvent, void, undefined> {
    for (let next = 0; ; ) {
      const event = this.#events[next];
      if (event !== undefined) {
        next += 1;
        yield event;
      } else if (this.#isOver) {
        if (this.#failure) throw this.#failure;
        return;
      } else {
        await this.#news;
      }
    }
  }

  #tell(): void {
    this.#wake();
    this.#news = this.#next();
  }

  #next(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}
