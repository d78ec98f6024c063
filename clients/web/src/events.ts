import type {DetectionEvent} from "./messages.js";

/** The events of a session, each once, for any number of readers. */
export class EventLog implements AsyncIterable<DetectionEvent> {
  readonly #events: DetectionEvent[] = [];
  readonly #known = new Set<string>();
  #isOver = false;
  #failure: Error | null = null;
  #wake: () => void = () => {};
  #news = this.#next();

  /** The new ones of `events`: what was sent again after an attach is left out. */
  take(events: readonly DetectionEvent[]): DetectionEvent[] {
    const fresh = events.filter(({event_id}) => !this.#known.has(event_id));
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
  async *[Symbol.asyncIterator](): AsyncGenerator<DetectionEvent, void, undefined> {
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
