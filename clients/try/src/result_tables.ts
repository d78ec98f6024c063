/** What a run has come to: notices, facts, what was counted, when and how far, checks and cues. */

import {attemptChecksText, checksText, sharesOf} from "./checks.js";
import {angleName} from "./depth.js";
import {byId, element} from "./dom.js";
import {drawTrace} from "./drawing.js";
import {degreesText, secondsText, timeText} from "./formatting.js";
import {fillLegend} from "./legend.js";
import {checksOf, partsText, rangeOf, rangeText} from "./measured.js";
import {reasonText} from "./reasons.js";
import {cuesOf, factsOf, headingOf, headlineOf, type Result, resultOf} from "./result.js";
import type {Run} from "./run.js";
import type {Ending} from "./run_stream.js";

export class ResultTables {
  readonly #section = byId("summary", HTMLElement);
  #run: Run | null = null;

  constructor() {
    addEventListener("resize", () => this.#draw());
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#draw());
  }

  open(run: Run, ending: Ending): Result {
    this.#run = run;
    this.#section.hidden = false;
    const {event_key} = run.movement;
    const counted = ending.repetitions ? (ending.repetitions[event_key] ?? 0) : null;
    const result = resultOf(run, counted, ending.longestMs);
    const heading = byId("summary-heading", HTMLElement);
    heading.textContent = headingOf(result);
    this.#fillNotices(ending.problems, headlineOf(result).amount);
    this.#fillTables(result);
    fillLegend(byId("summary-legend", HTMLElement), run.movement);
    this.#draw();
    scrollTo(0, 0);
    heading.focus();
    return result;
  }

  close(): void {
    this.#run = null;
    this.#section.hidden = true;
  }

  #fillNotices(problems: Ending["problems"], amount: number): void {
    const notices = [...problems];
    if (amount === 0 && problems.length === 0) {
      const advice = "Look at where to stand, and do the whole movement.";
      notices.push({what: "Nothing was counted.", advice});
    }
    byId("notices", HTMLElement).replaceChildren(
      ...notices.map(({what, advice}) => {
        const notice = element("p", "", "notice");
        notice.append(element("strong", what), ` ${advice}`);
        return notice;
      }),
    );
  }

  #fillTables(result: Result): void {
    const {run} = result;
    const {hold_ms} = run.movement;
    byId("facts", HTMLElement).replaceChildren(
      ...factsOf(result).map(([name, value]) => {
        const fact = document.createElement("div");
        fact.append(element("dt", name), element("dd", value));
        return fact;
      }),
    );
    byId("took-name", HTMLElement).textContent = hold_ms === null ? "Took" : "Held";
    byId("depth-name", HTMLElement).textContent = hold_ms === null ? angleName(run.movement) : "";
    byId("counted-name", HTMLElement).textContent = hold_ms === null ? "Repetitions" : "Holds";
    byId("rows", HTMLElement).replaceChildren(...rowsOf(result));
    byId("said", HTMLElement).replaceChildren(
      ...cuesOf(run).map(([message, times]) => row(message, `${times}\u00a0×`)),
    );
    const shares = sharesOf(run);
    byId("checked", HTMLElement).replaceChildren(...shares.map((share) => row(...share)));
    byId("checked-part", HTMLElement).hidden = shares.length === 0;
    byId("counted-part", HTMLElement).hidden = !run.repetitions.length && !run.attempts.length;
    byId("said-part", HTMLElement).hidden = run.cues.length === 0;
  }

  #draw(): void {
    if (!this.#run) return;
    const toMs = Math.max(this.#run.lastMs, 1_000);
    drawTrace(byId("whole-trace", HTMLCanvasElement), this.#run, 0, toMs);
  }
}

/** Repetitions, which have a number, and attempts, as they came. */
function rowsOf({run, depths}: Result): HTMLTableRowElement[] {
  const {movement, repetitions} = run;
  const rows = [
    ...repetitions.map((repetition, index) => {
      const {ms, side, metrics} = repetition;
      const details = [checksText(checksOf(repetition, run)), partsText(repetition, run)];
      const before = repetitions[index - 1];
      const tookMs = metrics?.held_ms ?? metrics?.duration_ms ?? (before && ms - before.ms);
      const took = tookMs === undefined ? "–" : secondsText(tookMs);
      const number = side ? `${index + 1} ${side}` : `${index + 1}`;
      if (movement.hold_ms !== null) return {ms, cells: [number, timeText(ms), took], details};
      const range = rangeOf(metrics, movement);
      const depth = range ? rangeText(range) : degreesText(depths[index] ?? null);
      return {ms, cells: [number, timeText(ms), took, depth], details};
    }),
    ...run.attempts.map((attempt) => {
      const side = attempt.side ? `${attempt.side}, ` : "";
      const why = `not counted: ${side}${reasonText(attempt, movement)}`;
      const details = [attemptChecksText(attempt, movement)];
      return {ms: attempt.ms, cells: ["×", timeText(attempt.ms), why], details};
    }),
  ];
  return rows
    .sort((one, other) => one.ms - other.ms)
    .flatMap(({cells, details}) => [row(...cells), ...detailsRow(details.filter(Boolean))]);
}

/** What stands below a row, over all of its columns. */
function detailsRow(texts: string[]): HTMLTableRowElement[] {
  if (texts.length === 0) return [];
  const made = row("", texts.join(" "));
  made.className = "details";
  made.lastElementChild?.setAttribute("colspan", "3");
  return [made];
}

function row(...cells: string[]): HTMLTableRowElement {
  const made = document.createElement("tr");
  made.append(...cells.map((text) => element("td", text)));
  if (cells.length === 3) made.lastElementChild?.setAttribute("colspan", "2");
  return made;
}
