import {drawPose, KynaError} from "@kynaplatform/web";
import {drawFigure, Placement} from "./figure.js";
import type {Movement} from "./page_data.js";
import {play} from "./playback.js";
import {fetchRecording, momentsOf, type Recording} from "./recording.js";

/** The first seconds of the figure: as it begins, and its first repetition. */
const SHOWN_MS = 3_600;

interface Shown {
  readonly movement: Movement;
  readonly recording: Recording;
  readonly placement: Placement;
}

/** Shows once how a movement looks to the camera. */
export class Preview {
  readonly #canvas: HTMLCanvasElement;
  readonly #button: HTMLButtonElement;
  readonly #note: HTMLElement;
  #current = new AbortController();
  #shown: Shown | null = null;

  /** `note` says what there is instead of a figure. */
  constructor(canvas: HTMLCanvasElement, button: HTMLButtonElement, note: HTMLElement) {
    this.#canvas = canvas;
    this.#button = button;
    this.#note = note;
    button.addEventListener("click", () => this.#move());
  }

  /** Load a movement's figure, and let it move; one that is loaded rests. */
  async show(movement: Movement): Promise<void> {
    if (this.#shown?.movement !== movement) await this.#load(movement);
    else this.rest();
  }

  /** Show how it begins, also after the canvas has another size. */
  rest(): void {
    this.#draw(this.#shown?.recording.frames[0] ?? null);
  }

  stop(): void {
    this.#current.abort();
    this.#current = new AbortController();
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
    this.rest();
    if (!matchMedia("(prefers-reduced-motion: reduce)").matches) await this.#move();
  }

  async #move(): Promise<void> {
    this.stop();
    const {signal} = this.#current;
    const moments = this.#shown ? momentsOf(this.#shown.recording) : [];
    const shown = moments.filter(({timestampMs}) => timestampMs < SHOWN_MS);
    await play(shown, 1, async ({landmarks}) => this.#draw(landmarks), signal);
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
