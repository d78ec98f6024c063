/** Speaks cues, once the box is ticked. */
export class Speech {
  readonly #box: HTMLInputElement;

  constructor(box: HTMLInputElement) {
    this.#box = box;
    const label = box.closest("label") as HTMLElement;
    label.hidden = !("speechSynthesis" in globalThis);
    // Some browsers only speak after they have spoken for a click.
    box.addEventListener("change", () => this.say("Cues are spoken."));
  }

  /** What is newer counts more than the end of what is being said. */
  say(text: string, language = "en"): void {
    if (!this.#box.checked || !("speechSynthesis" in globalThis)) return;
    speechSynthesis.cancel();
    const utterance = new SpeechSynthesisUtterance(text);
    utterance.lang = language;
    speechSynthesis.speak(utterance);
  }
}
