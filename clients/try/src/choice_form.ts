/** The first stage: which movement, seen by what, and where to stand. */

import {byId, element} from "./dom.js";
import {LanguageChoice} from "./language_choice.js";
import {askedMovement, askedTarget, keepInAddress} from "./page_address.js";
import type {Movement} from "./page_data.js";
import {ParameterInputs} from "./parameter_inputs.js";
import {Preview} from "./preview.js";
import type {Problem} from "./problems.js";
import {readRecording} from "./recording.js";
import {type Target, targetOf, targetText} from "./target.js";

interface Choices {
  readonly movement: Movement;
  readonly target: Target | null;
  /** The numbers that somebody has chosen, by the names of parameters. */
  readonly parameters: Readonly<Record<string, number>>;
  /** The language of the cues; null where there is no choice. */
  readonly language: string | null;
  /** Seconds until a camera counts. */
  readonly countdown: number;
}

/** Where poses come from: a camera, the figure's recording, or one of the user's own. */
export type Choice = Choices &
  ({readonly source: "camera" | "figure"} | {readonly source: "file"; readonly file: File});

/** The movement that is chosen at first, which anybody can do anywhere. */
const FIRST = "squat";

export class ChoiceForm {
  readonly #section = byId("choose", HTMLElement);
  readonly #form = byId("choices", HTMLFormElement);
  readonly #file = byId("file", HTMLInputElement);
  readonly #fileRow = byId("file-row", HTMLElement);
  readonly #fileNote = byId("file-note", HTMLElement);
  readonly #target = byId("target", HTMLSelectElement);
  readonly #countdown = byId("countdown", HTMLSelectElement);
  readonly #parameters = new ParameterInputs(byId("parameters", HTMLElement));
  readonly #language = new LanguageChoice(
    byId("language-row", HTMLElement),
    byId("language", HTMLSelectElement),
  );
  readonly #problem = byId("problem", HTMLElement);
  readonly #preview = new Preview(
    byId("figure", HTMLCanvasElement),
    byId("show-again", HTMLButtonElement),
    byId("figure-note", HTMLElement),
  );
  readonly #movements: readonly Movement[];

  constructor(movements: readonly Movement[], onStart: (choice: Choice) => void) {
    this.#movements = movements;
    const named = (name: string | null) => movements.find(({slug}) => slug === name);
    const first = named(askedMovement()) ?? named(FIRST) ?? movements[0];
    if (first) this.#check(first);
    this.#chooseTarget(askedTarget());
    this.#form.addEventListener("change", ({target}) => {
      if (target instanceof HTMLInputElement && target.name === "movement") this.#showPlace();
      if (target === this.#file) void this.#chooseMovementOfFile();
      this.#showSource();
      this.#keepInAddress();
      this.#problem.hidden = true;
    });
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#problem.hidden = true;
      onStart(this.#choice);
    });
    addEventListener("resize", () => this.#preview.rest());
    this.#showPlace();
    this.#showSource();
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

  /** Choose a recording, to be counted as the chosen movement. */
  chooseFile(file: File): void {
    const chosen = new DataTransfer();
    chosen.items.add(file);
    this.#file.files = chosen.files;
    const radio = this.#form.querySelector('[name="source"][value="file"]');
    if (radio instanceof HTMLInputElement) radio.checked = true;
    this.#fileNote.textContent = "It is of your last run. Choose what to count in it.";
    this.#showSource();
  }

  close(): void {
    this.#preview.stop();
    this.#section.hidden = true;
  }

  get #choice(): Choice {
    const choices: Choices = {
      movement: this.#movement,
      target: this.#movement.hold_ms === null ? targetOf(this.#target.value) : null,
      parameters: this.#parameters.chosen,
      language: this.#language.language,
      countdown: Number(this.#countdown.value),
    };
    const source = String(new FormData(this.#form).get("source")) as Choice["source"];
    const [file] = this.#file.files ?? [];
    return source === "file" && file
      ? {...choices, source, file}
      : ({...choices, source} as Choice);
  }

  get #movement(): Movement {
    const slug = new FormData(this.#form).get("movement");
    return this.#movements.find((movement) => movement.slug === slug) as Movement;
  }

  /** Returns whether it was not chosen before. */
  #check({slug}: Movement): boolean {
    const radio = this.#form.querySelector(`[name="movement"][value="${slug}"]`);
    if (!(radio instanceof HTMLInputElement) || radio.checked) return false;
    radio.checked = true;
    const folded = radio.closest("details");
    if (folded) folded.open = true;
    return true;
  }

  #showPlace(): void {
    const movement = this.#movement;
    byId("summary-line", HTMLElement).textContent =
      `${movement.summary} ${movement.experimental}`.trim();
    byId("place", HTMLElement).textContent = movement.place.text;
    // A hold has a time of its own to reach.
    byId("target-row", HTMLElement).hidden = movement.hold_ms !== null;
    this.#parameters.show(movement);
    this.#language.show(movement);
    void this.#preview.show(movement);
  }

  #keepInAddress(): void {
    keepInAddress(this.#movement.slug, this.#target.value, this.#language.kept);
  }

  #showSource(): void {
    const source = new FormData(this.#form).get("source");
    this.#fileRow.hidden = source !== "file";
    this.#file.required = source === "file";
    // Only who stands before a camera has to get there.
    byId("countdown-row", HTMLElement).hidden = source !== "camera";
  }

  /** One that the address asks for need not be in the list. */
  #chooseTarget(target: Target | null): void {
    if (!target) return;
    const written = `${target.amount}${target.kind === "seconds" ? "s" : ""}`;
    if (![...this.#target.options].some(({value}) => value === written)) {
      this.#target.add(new Option(targetText(target), written));
    }
    this.#target.value = written;
  }

  /** Choose the movement that the recording says it is of; Start tells what is wrong with a file. */
  async #chooseMovementOfFile(): Promise<void> {
    this.#fileNote.textContent = "";
    const [file] = this.#file.files ?? [];
    const recording = file && (await readRecording(file).catch(() => null));
    if (!recording || file !== this.#file.files?.[0]) return;
    const slug = recording.exercise
      .trim()
      .toLowerCase()
      .replace(/[\s_]+/g, "-");
    const movement = this.#movements.find((one) => one.slug === slug);
    this.#fileNote.textContent = movement
      ? `It says that it is of: ${movement.name}.`
      : "It names no movement of this page. Choose the one that it is of.";
    if (!movement || !this.#check(movement)) return;
    this.#showPlace();
    this.#keepInAddress();
  }
}
