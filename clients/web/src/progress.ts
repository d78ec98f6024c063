import {tell} from "./callbacks.js";
import type {FrameAck, Readiness, SessionUpdate} from "./messages.js";
import type {HoldProgress, StreamOptions} from "./stream.js";

/** What the server tells beside the frames: readiness, a hold that goes on, what it left out. */
export class Progress {
  readiness: Readiness | null = null;
  hold: HoldProgress | null = null;
  thinnedEvents = 0;
  readonly #options: StreamOptions;

  constructor(options: StreamOptions) {
    this.#options = options;
  }

  take({readiness, events_thinned}: SessionUpdate | FrameAck): void {
    this.thinnedEvents = events_thinned ?? this.thinnedEvents;
    if (!readiness || isSame(readiness, this.readiness)) return;
    this.readiness = readiness;
    tell(this.#options.onReadiness, readiness);
  }

  /** Only an ack tells of a hold; without one, or at 0, nothing is held. */
  follow(hold: FrameAck["hold"]): void {
    const isHeld = hold && hold.held_ms > 0;
    if (!isHeld && !this.hold) return;
    this.hold = isHeld
      ? {eventKey: hold.event_key, heldMs: hold.held_ms, side: hold.side ?? null}
      : null;
    tell(this.#options.onHold, this.hold);
  }
}

function isSame(one: Readiness, other: Readiness | null): boolean {
  return one.state === other?.state && one.missing.join() === other.missing.join();
}
