/** The second stage: the picture, the count, the last cue, and the trace as it grows. */

import {type DetectionEvent, drawPose, type Moment, type StreamState} from "@kynaplatform/web";
import {Announcer} from "./announcer.js";
import {byId, element} from "./dom.js";
import {drawTrace} from "./drawing.js";
import {countText} from "./formatting.js";
import {fillLegend} from "./legend.js";
import type {Run} from "./run.js";
import type {Speech} from "./speech.js";

const WINDOW_MS = 12_000;
/** How long somebody is not seen, or not wholly, before the page says so. */
const UNSEEN_MS = 1_000;
/** How long the end may take before it may be left. */
const LEAVE_MS = 3_000;

const STATES = {
  starting: "Starting …",
  connecting: "Connecting …",
  unreachable: "The server that counts doesn't answer. Trying again …",
  lost: "The line is lost. Attaching again …",
  nobody: "Nobody in the picture. Step back until all of you is in it.",
  partly: "Not all of you is in the picture. Step back.",
  counting: "Counting",
  finishing: "Finishing …",
} as const;

export class Live {
  readonly #section = byId("live", HTMLElement);
  readonly #count = byId("count", HTMLElement);
  readonly #cue = byId("cue", HTMLElement);
  readonly #state = byId("state", HTMLElement);
  readonly #degrees = byId("degrees", HTMLElement);
  readonly #trace = byId("trace", HTMLCanvasElement);
  readonly #stop = byId("stop", HTMLButtonElement);
  readonly #announcer = new Announcer(byId("announced", HTMLElement));
  readonly #speech: Speech;
  #run: Run | null = null;
  #stream: StreamState | null = null;
  #wasAttached = false;
  #isFinishing = false;
  #seenMs = 0;
  #knownMs = 0;
  #untilLeave: ReturnType<typeof setTimeout> | undefined;

  constructor(speech: Speech) {
    this.#speech = speech;
  }

  /** Show a run that begins. */
  open(run: Run, onStop: () => void): void {
    this.#run = run;
    this.#stream = null;
    this.#wasAttached = this.#isFinishing = false;
    this.#section.hidden = false;
    this.#clearPicture();
    byId("live-heading", HTMLElement).textContent = run.movement.name;
    byId("angle-label", HTMLElement).textContent = run.movement.angle.label;
    fillLegend(byId("live-legend", HTMLElement), run.movement);
    this.#cue.replaceChildren();
    this.#showCount();
    this.#stop.textContent = "Stop";
    this.#stop.disabled = false;
    this.#stop.onclick = onStop;
    this.#tell();
    byId("live-heading", HTMLElement).focus();
    this.#draw();
  }

  close(): void {
    clearTimeout(this.#untilLeave);
    this.#run = null;
    this.#section.hidden = true;
  }

  line(state: StreamState): void {
    this.#stream = state;
    this.#wasAttached ||= state === "attached";
    this.#tell();
  }

  add(moment: Moment): void {
    const run = this.#run;
    if (!run) return;
    run.add(moment);
    const {timestampMs: ms, landmarks} = moment;
    if (run.points.length === 1) this.#seenMs = this.#knownMs = ms;
    if (landmarks) this.#seenMs = ms;
    if (run.points.at(-1)?.degrees != null) this.#knownMs = ms;
    if (ms - this.#seenMs > UNSEEN_MS) this.#tell("nobody");
    else this.#tell(ms - this.#knownMs > UNSEEN_MS ? "partly" : "counting");
  }

  /** One that is late, or was read after the end, is shown and not said. */
  take(event: DetectionEvent & {readonly isLate?: boolean}): void {
    if (!this.#run?.take(event)) return;
    const isLate = event.isLate ?? true;
    if (event.type === "event_completed") this.#showCount(isLate);
    if (event.type !== "feedback") return;
    const cue = this.#run.cues.at(-1);
    if (!cue) return;
    this.#cue.replaceChildren(element("span", cue.message, cue.level));
    if (!this.#isFinishing && !isLate) this.#speech.say(cue.message);
    if (!isLate) this.#announce(cue.message);
  }

  /** Wait for the session's end, which after a while may be left. */
  finish(onLeave: () => void): void {
    this.#isFinishing = true;
    this.#stop.disabled = true;
    this.#stop.onclick = onLeave;
    this.#tell();
    this.#untilLeave = setTimeout(() => {
      this.#stop.textContent = "Leave without the end";
      this.#stop.disabled = false;
    }, LEAVE_MS);
  }

  /** Clear what the last run has left in the picture. */
  #clearPicture(): void {
    const skeleton = byId("skeleton", HTMLCanvasElement);
    skeleton.style.transform = "";
    drawPose(skeleton, null);
    byId("video", HTMLVideoElement).hidden = true;
  }

  #showCount(isLate = false): void {
    const count = this.#run?.repetitions.length ?? 0;
    this.#count.textContent = `${count}`;
    byId("unit", HTMLElement).textContent = count === 1 ? "repetition" : "repetitions";
    if (count > 0) this.#announce(isLate ? null : (this.#run?.cues.at(-1)?.message ?? null));
  }

  #announce(cue: string | null): void {
    const count = countText(this.#run?.repetitions.length ?? 0, "repetition", "repetitions");
    this.#announcer.say(cue ? `${count}. ${cue}` : count);
  }

  /** Show the state of the stream, or `seen` while it is attached. */
  #tell(seen: "counting" | "nobody" | "partly" = "counting"): void {
    const state = this.#lineState ?? seen;
    if (this.#state.dataset.state === state) return;
    this.#state.dataset.state = state;
    this.#state.textContent = STATES[state];
  }

  get #lineState(): keyof typeof STATES | null {
    if (this.#stream === "waiting") return this.#wasAttached ? "lost" : "unreachable";
    if (this.#isFinishing) return "finishing";
    if (this.#stream === null) return "starting";
    return this.#stream === "connecting" ? "connecting" : null;
  }

  #draw(): void {
    const run = this.#run;
    if (!run) return;
    const toMs = Math.max(run.lastMs, WINDOW_MS);
    drawTrace(this.#trace, run, toMs - WINDOW_MS, toMs);
    const degrees = run.points.at(-1)?.degrees;
    this.#degrees.textContent = degrees == null ? "–" : `${Math.round(degrees)}°`;
    requestAnimationFrame(() => this.#draw());
  }
}
