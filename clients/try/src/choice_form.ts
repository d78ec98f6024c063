/** The first stage: which movement, seen by what, and where to stand. */

import {byId, element} from "./dom.js";
import type {Movement} from "./page_data.js";
import {Preview} from "./preview.js";
import type {Problem} from "./problems.js";

/** Where poses come from: a camera, the figure's recording, or one of the user's own. */
export type Choice = {readonly movement: Movement} & (
  | {readonly source: "camera" | "figure"}
  | {readonly source: "file"; readonly file: File}
);

/** The movement that is chosen at first, which anybody can do anywhere. */
const FIRST = "squat";

export class ChoiceForm {
  readonly #section = byId("choose", HTMLElement);
  readonly #form = byId("choices", HTMLFormElement);
  readonly #file = byId("file", HTMLInputElement);
  readonly #fileRow = byId("file-row", HTMLElement);
  readonly #problem = byId("problem", HTMLElement);
  readonly #preview = new Preview(
    byId("figure", HTMLCanvasElement),
    byId("show-again", HTMLButtonElement),
    byId("figure-note", HTMLElement),
  );
  readonly #movements: readonly Movement[];

  constructor(movements: readonly Movement[], onStart: (choice: Choice) => void) {
    this.#movements = movements;
    const first = movements.find(({slug}) => slug === FIRST) ?? movements[0];
    byId("movements", HTMLElement).append(
      ...movements.map((movement) => this.#radio(movement, movement === first)),
    );
    this.#form.addEventListener("change", ({target}) => {
      if (target instanceof HTMLInputElement && target.name === "movement") this.#showPlace();
      this.#showFile();
      this.#problem.hidden = true;
    });
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#problem.hidden = true;
      onStart(this.#choice);
    });
    addEventListener("resize", () => this.#preview.rest());
    this.#showPlace();
    this.#showFile();
  }

  /** What was chosen before stays chosen. */
  open(problem: Problem | null = null): void {
    this.#section.hidden = false;
    void this.#preview.show(this.#movement);
    this.#problem.hidden = problem === null;
    this.#problem.replaceChildren(
      element("strong", problem?.what ?? ""),
      element("span", ` ${problem?.advice ?? ""}`),
    );
    (problem ? this.#problem : byId("start", HTMLButtonElement)).focus();
  }

  close(): void {
    this.#preview.stop();
    this.#section.hidden = true;
  }

  get #choice(): Choice {
    const movement = this.#movement;
    const source = String(new FormData(this.#form).get("source")) as Choice["source"];
    const [file] = this.#file.files ?? [];
    return source === "file" && file ? {movement, source, file} : ({movement, source} as Choice);
  }

  get #movement(): Movement {
    const slug = new FormData(this.#form).get("movement");
    return this.#movements.find((movement) => movement.slug === slug) as Movement;
  }

  #radio({slug, name}: Movement, isFirst: boolean): HTMLElement {
    const label = element("label", "", "chip");
    const radio = document.createElement("input");
    radio.type = "radio";
    radio.name = "movement";
    radio.value = slug;
    radio.defaultChecked = isFirst;
    label.append(radio, element("span", name));
    return label;
  }

  #showPlace(): void {
    const movement = this.#movement;
    byId("summary-line", HTMLElement).textContent = movement.summary;
    byId("place", HTMLElement).textContent = movement.place.text;
    void this.#preview.show(movement);
  }

  #showFile(): void {
    const isFile = new FormData(this.#form).get("source") === "file";
    this.#fileRow.hidden = !isFile;
    this.#file.required = isFile;
  }
}
