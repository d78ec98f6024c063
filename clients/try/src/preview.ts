import {drawPose, KynaError} from "@kynaplatform/web";
import {drawFigure, Placement} from "./figure.js";
import type {Movement} from "./page_data.js";
import {play} from "./playback.js";
import {fetchRecording, momentsOf, type Recording} from "./recording.js";

/** The first two repetitions of the figure, which are shown again and again. */
const FROM_MS = 800;
const UNTIL_MS = 5_800;

interface Shown {
  readonly movement: Movement;
  readonly recording: Recording;
  readonly placement: Placement;
}

/** Shows how a movement looks to the camera, in a loop that may be paused. */
export class Preview {
  readonly #canvas: HTMLCanvasElement;
  readonly #button: HTMLButtonElement;
  readonly #note: HTMLElement;
  #current = new AbortController();
  #shown: Shown | null = null;
  #isWanted = !matchMedia("(prefers-reduced-motion: reduce)").matches;
  #isMoving = false;

  /** `note` says what there is instead of a figure. */
  constructor(canvas: HTMLCanvasElement, button: HTMLButtonElement, note: HTMLElement) {
    this.#canvas = canvas;
    this.#button = button;
    this.#note = note;
    button.addEventListener("click", () => {
      this.#isWanted = !this.#isMoving;
      if (this.#isMoving) this.stop();
      else void this.#move();
    });
  }

  /** Load a movement's figure, and let it move; one that is loaded rests. */
  async show(movement: Movement): Promise<void> {
    if (this.#shown?.movement !== movement) await this.#load(movement);
    else await this.#begin();
  }

  /** Show how it begins, also after the canvas has another size. */
  rest(): void {
    if (!this.#isMoving) this.#draw(this.#shown?.recording.frames[0] ?? null);
  }

  stop(): void {
    this.#current.abort();
    this.#current = new AbortController();
    this.#isMoving = false;
    this.#button.textContent = "Play";
  }

  async #load(movement: Movement): Promise<void> {
    this.stop();
    const {signal} = this.#current;
    this.#shown = null;
    this.#canvas.setAttribute("aria-label", `What the camera should see of: ${movement.name}`);
    this.#button.hidden = true;
    this.#tell("The figure is being loaded …");
    this.rest();
    try {
      const recording = await fetchRecording(movement.figure, signal);
      if (signal.aborted) return;
      this.#shown = {movement, recording, placement: new Placement(recording)};
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof KynaError)) throw error;
      this.#tell(error.message);
      return;
    }
    this.#tell("");
    this.#button.hidden = false;
    await this.#begin();
  }

  async #begin(): Promise<void> {
    this.rest();
    if (this.#isWanted) await this.#move();
  }

  async #move(): Promise<void> {
    this.stop();
    const {signal} = this.#current;
    const moments = this.#shown ? momentsOf(this.#shown.recording) : [];
    const shown = moments
      .filter(({timestampMs: ms}) => ms >= FROM_MS && ms < UNTIL_MS)
      .map((moment) => ({...moment, timestampMs: moment.timestampMs - FROM_MS}));
    if (shown.length === 0) return;
    this.#isMoving = true;
    this.#button.textContent = "Pause";
    while (!signal.aborted) {
      await play(shown, 1, async ({landmarks}) => this.#draw(landmarks), signal);
    }
  }

  #draw(pose: Recording["frames"][number]): void {
    if (this.#shown) drawFigure(this.#canvas, pose, this.#shown.placement);
    else drawPose(this.#canvas, null);
  }

  #tell(text: string): void {
    this.#note.textContent = text;
    this.#note.hidden = text === "";
  }
}
