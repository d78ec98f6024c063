/** The second stage: the countdown, the picture, the count, the last cue, the growing trace. */

import {
  type DetectionEvent,
  drawPose,
  type HoldProgress,
  type Moment,
  type Readiness,
  type StreamState,
} from "@kynaplatform/web";
import {Announcer} from "./announcer.js";
import {Coach} from "./coach.js";
import {CueBoard} from "./cue_board.js";
import {byId} from "./dom.js";
import {drawTrace} from "./drawing.js";
import {countText, degreesText} from "./formatting.js";
import {Guide} from "./guide.js";
import {fillLegend} from "./legend.js";
import type {Run} from "./run.js";
import {ScoreBoard} from "./score_board.js";
import type {Speech} from "./speech.js";

const WINDOW_MS = 12_000;
/** How long somebody is not seen, or not wholly, before the page says so. */
const UNSEEN_MS = 1_000;
/** How long the end may take before it may be left. */
const LEAVE_MS = 3_000;

const STEP_IN = "Step in, until all of you is in the picture.";

const STATES = {
  starting: "Starting …",
  loading: "Loading …",
  ready: "Get into place",
  connecting: "Connecting …",
  waiting: "The server that counts doesn't answer. Trying again …",
  offline: "You are offline. Waiting …",
  nobody: "Nobody in the picture",
  partly: "Not all of you is in the picture. Step back.",
  positioning: "Not counting yet",
  counting: "Counting",
  finishing: "Finishing …",
} as const;

export class Live {
  readonly #section = byId("live", HTMLElement);
  readonly #board = new ScoreBoard();
  readonly #cues = new CueBoard(byId("cue", HTMLElement));
  readonly #state = byId("state", HTMLElement);
  readonly #degrees = byId("degrees", HTMLElement);
  readonly #trace = byId("trace", HTMLCanvasElement);
  readonly #stop = byId("stop", HTMLButtonElement);
  readonly #announcer = new Announcer(byId("announced", HTMLElement));
  readonly #speech: Speech;
  #run: Run | null = null;
  #coach = new Coach(null);
  #guide: Guide | null = null;
  /** What is missing before anything counts; null where it counts. */
  #needed: string | null = null;
  #isNobody = false;
  #stream: StreamState | null = null;
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
    this.#coach = new Coach(run.target);
    this.#stream = null;
    this.#guide = new Guide(run.movement);
    this.#isFinishing = this.#isNobody = false;
    this.#needed = null;
    this.#section.hidden = false;
    this.#clearPicture();
    byId("live-heading", HTMLElement).textContent = run.movement.name;
    byId("angle-label", HTMLElement).textContent = run.movement.angle.label;
    fillLegend(byId("live-legend", HTMLElement), run.movement);
    this.#cues.stand(null);
    this.#cues.clear();
    this.#board.show(run);
    this.#stop.textContent = "Stop";
    this.#stop.disabled = false;
    this.#stop.onclick = onStop;
    this.#tell();
    byId("live-heading", HTMLElement).focus();
    this.#draw();
  }

  /** While megabytes come. */
  load(): void {
    this.#tell("loading");
  }

  /** A second of the countdown before it counts. */
  countDown(left: number): void {
    this.#tell("ready");
    this.#board.countDown(left);
    this.#cues.show("Get into place.");
    this.#speech.say(`${left}`);
    this.#announcer.say(`${left}`);
  }

  /** Now it counts. */
  go(): void {
    if (!this.#run || !this.#board.isCountingDown) return;
    this.#board.show(this.#run);
    this.#say("Go!");
  }

  close(): void {
    clearTimeout(this.#untilLeave);
    this.#cues.stand(null);
    this.#cues.clear();
    this.#run = null;
    this.#section.hidden = true;
  }

  line(state: StreamState): void {
    this.#stream = state;
    this.#tell();
  }

  add(moment: Moment): void {
    const run = this.#run;
    if (!run) return;
    run.add(moment);
    this.#board.showTarget(run);
    const {timestampMs: ms, landmarks} = moment;
    if (run.points.length === 1) this.#seenMs = this.#knownMs = ms;
    if (landmarks) this.#seenMs = ms;
    if (run.points.at(-1)?.degrees != null) this.#knownMs = ms;
    this.#isNobody = ms - this.#seenMs > UNSEEN_MS;
    this.#stand();
    if (this.#isNobody) this.#tell("nobody");
    else if (this.#needed !== null) this.#tell("positioning");
    else this.#tell(ms - this.#knownMs > UNSEEN_MS ? "partly" : "counting");
  }

  /** Say what is missing before anything counts, and that it counts. */
  guide(readiness: Readiness): void {
    if (!this.#guide || this.#isFinishing) return;
    const {shown, said} = this.#guide.take(readiness, performance.now());
    this.#needed = shown;
    this.#stand();
    if (said && said === shown) this.#tellAloud(said);
    else if (said) this.#say(said, "success");
  }

  /** What stands where nothing else is told, to be read from three metres. */
  #stand(): void {
    this.#cues.stand(this.#isNobody ? STEP_IN : this.#needed);
  }

  hold(progress: HoldProgress | null): void {
    const run = this.#run;
    if (!run) return;
    run.hold(progress);
    this.#board.show(run);
    const told = this.#coach.hold(run.heldMs, run.movement.hold_ms ?? 0);
    if (told) this.#say(told);
  }

  /** One that is late, or was read after the end, is shown and not said. */
  take(event: DetectionEvent & {readonly isLate?: boolean}): void {
    const run = this.#run;
    if (!run?.take(event)) return;
    const isLate = event.isLate ?? true;
    if (event.type === "event_interrupted") this.#board.show(run);
    if (event.type === "event_completed") {
      this.#board.show(run);
      const {hold_ms} = run.movement;
      const number = run.repetitions.length;
      const heldMs = event.payload.metrics?.held_ms ?? hold_ms;
      const praise =
        hold_ms === null
          ? this.#coach.complete(number)
          : `${Math.round((heldMs ?? 0) / 1_000)} seconds. Well done.`;
      if (praise) this.#say(praise, "success", isLate);
      else this.#announcer.say(countText(number, "repetition", "repetitions"));
    }
    const cue = event.type === "feedback" ? run.cues.at(-1) : null;
    if (cue && this.#coach.isNews(cue)) this.#say(cue.message, cue.level, isLate, run.language);
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

  /** Show a text, and say it where that is not too late. */
  #say(text: string, level = "info", isLate = false, language = "en"): void {
    this.#cues.show(text, level, language);
    if (!isLate) this.#tellAloud(text, language);
  }

  #tellAloud(text: string, language = "en"): void {
    if (!this.#isFinishing) this.#speech.say(text, language);
    const count = this.#run?.repetitions.length ?? 0;
    this.#announcer.say(count ? `${countText(count, "repetition", "repetitions")}. ${text}` : text);
  }

  /** Show the state of the stream, or `seen` while it is attached. */
  #tell(seen: keyof typeof STATES = "counting"): void {
    const isBefore = seen === "loading" || seen === "ready";
    const state = isBefore ? seen : (this.#lineState ?? seen);
    if (this.#state.dataset.state === state) return;
    this.#state.dataset.state = state;
    this.#state.textContent = STATES[state];
  }

  get #lineState(): keyof typeof STATES | null {
    const state = this.#stream ?? "starting";
    if (state === "waiting" || state === "offline") return state;
    if (this.#isFinishing) return "finishing";
    return state === "starting" || state === "connecting" ? state : null;
  }

  #draw(): void {
    const run = this.#run;
    if (!run) return;
    const toMs = Math.max(run.lastMs, WINDOW_MS);
    drawTrace(this.#trace, run, toMs - WINDOW_MS, toMs);
    this.#degrees.textContent = degreesText(run.points.at(-1)?.degrees ?? null);
    requestAnimationFrame(() => this.#draw());
  }
}
