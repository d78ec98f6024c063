/** The last stage of /try: what was counted, the result card, and the code for an app. */

import type {Moment} from "@kynaplatform/web";
import {AppCode} from "./app_code.js";
import {drawCard} from "./card.js";
import {byId} from "./dom.js";
import {friendsAddress} from "./page_address.js";
import type {Movement} from "./page_data.js";
import {RecordingOffer} from "./recorder.js";
import {headingOf, headlineOf, type Result, shareText} from "./result.js";
import {ResultTables} from "./result_tables.js";
import type {Run} from "./run.js";
import type {Ending} from "./run_stream.js";
import {Sharing} from "./sharing.js";

export class Summary {
  readonly #tables = new ResultTables();
  readonly #card = byId("card", HTMLCanvasElement);
  readonly #sharing = new Sharing();
  readonly #appCode = new AppCode();

  readonly #offer: RecordingOffer;

  /** `onAgain` gets the run's recording to count it again, or null for another run. */
  constructor(onAgain: (recording: File | null) => void) {
    byId("again", HTMLButtonElement).addEventListener("click", () => onAgain(null));
    this.#offer = new RecordingOffer(onAgain);
  }

  /** `movespec` is the YAML that counted `moments`. */
  open(
    run: Run,
    movement: Movement,
    movespec: string,
    ending: Ending,
    moments: readonly Moment[],
  ): void {
    byId("summary-experimental", HTMLElement).hidden = movement.experimental === "";
    byId("summary-experimental", HTMLElement).textContent = movement.experimental;
    this.#appCode.show(run, movement.slug, movespec);
    this.#fillCard(this.#tables.open(run, ending), movement.slug);
    void this.#offer.open(movement.slug, moments);
  }

  close(): void {
    this.#tables.close();
  }

  /** Nobody shares that nothing was counted. */
  #fillCard(result: Result, slug: string): void {
    const {amount} = headlineOf(result);
    byId("card-part", HTMLElement).hidden = amount === 0;
    if (amount === 0) return;
    const url = friendsAddress(slug, result.run.target);
    drawCard(this.#card, result, url);
    this.#card.setAttribute("aria-label", `The picture to share: ${headingOf(result)}`);
    const name = `${slug}-${amount}.png`;
    void this.#sharing.offer({canvas: this.#card, name, text: shareText(result), url});
  }
}
