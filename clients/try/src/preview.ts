import {drawFigure, Placement} from "./figure.js";
import type {Movement} from "./page_data.js";
import {play} from "./playback.js";
import {fetchRecording, momentsOf, type Recording} from "./recording.js";

/** The first seconds of the figure: as it begins, and its first repetition. */
const SHOWN_MS = 3_600;

/** Shows once how a movement looks to the camera. */
export class Preview {
  readonly #canvas: HTMLCanvasElement;
  readonly #button: HTMLButtonElement;
  #current = new AbortController();
  #recording: Recording | null = null;
  #placement: Placement | null = null;

  constructor(canvas: HTMLCanvasElement, button: HTMLButtonElement) {
    this.#canvas = canvas;
    this.#button = button;
    button.addEventListener("click", () => this.#move());
  }

  async show(movement: Movement): Promise<void> {
    this.stop();
    const {signal} = this.#current;
    this.#canvas.setAttribute("aria-label", `What the camera should see of: ${movement.name}`);
    this.#button.hidden = true;
    this.#draw(null);
    const recording = await fetchRecording(movement.figure).catch(() => null);
    if (signal.aborted || !recording) return;
    this.#recording = recording;
    this.#placement = new Placement(recording);
    this.#button.hidden = false;
    this.rest();
    if (!matchMedia("(prefers-reduced-motion: reduce)").matches) this.#move();
  }

  /** Show how it begins, also after the canvas has another size. */
  rest(): void {
    this.#draw(this.#recording?.frames[0] ?? null);
  }

  stop(): void {
    this.#current.abort();
    this.#current = new AbortController();
  }

  async #move(): Promise<void> {
    this.stop();
    const {signal} = this.#current;
    const moments = this.#recording ? momentsOf(this.#recording) : [];
    const shown = moments.filter(({timestampMs}) => timestampMs < SHOWN_MS);
    await play(shown, 1, async ({landmarks}) => this.#draw(landmarks), signal);
  }

  #draw(pose: Recording["frames"][number]): void {
    if (this.#placement) drawFigure(this.#canvas, pose, this.#placement);
  }
}
