/** The last stage: the summary of what was counted, when, how well, and what was said. */

import {byId, element} from "./dom.js";
import {drawScores, drawTrace} from "./drawing.js";
import {countText, scoreText, timeText} from "./formatting.js";
import {fillLegend} from "./legend.js";
import type {Run} from "./run.js";
import type {Ending} from "./run_stream.js";

const REASONS: Readonly<Record<string, string>> = {
  out_of_order: "not done to its end",
  condition: "broken off",
  session_ended: "not ended when you stopped",
  pose_lost: "nobody was in the picture",
};

export class Summary {
  readonly #section = byId("summary", HTMLElement);
  #run: Run | null = null;

  constructor(onAgain: () => void) {
    byId("again", HTMLButtonElement).addEventListener("click", onAgain);
    addEventListener("resize", () => this.#draw());
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#draw());
  }

  open(run: Run, ending: Ending): void {
    this.#run = run;
    this.#section.hidden = false;
    const {event_key} = run.movement;
    const counted = ending.repetitions ? (ending.repetitions[event_key] ?? 0) : null;
    const count = counted ?? run.repetitions.length;
    const heading = byId("summary-heading", HTMLElement);
    heading.textContent = `${run.movement.name}: ${countText(count, "repetition", "repetitions")}`;
    this.#fillNotices(ending.problems, count);
    this.#fillFacts(run);
    fillLegend(byId("summary-legend", HTMLElement), run.movement);
    byId("rows", HTMLElement).replaceChildren(...rowsOf(run));
    byId("said", HTMLElement).replaceChildren(
      ...run.cues.map(({ms, message}) => row(timeText(ms), message)),
    );
    byId("counted-part", HTMLElement).hidden = !run.repetitions.length && !run.interruptions.length;
    byId("said-part", HTMLElement).hidden = run.cues.length === 0;
    byId("scores-part", HTMLElement).hidden = !run.repetitions.some(({score}) => score !== null);
    this.#draw();
    scrollTo(0, 0);
    heading.focus();
  }

  close(): void {
    this.#run = null;
    this.#section.hidden = true;
  }

  #fillNotices(problems: Ending["problems"], count: number): void {
    const notices = [...problems];
    if (count === 0 && problems.length === 0) {
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

  #fillFacts(run: Run): void {
    const scores = run.repetitions.flatMap(({score}) => (score === null ? [] : [score]));
    const mean = scores.length ? scores.reduce((sum, one) => sum + one) / scores.length : null;
    const facts = [
      ["Time", timeText(run.lastMs)],
      ["Mean score", scoreText(mean)],
      ["Interrupted", `${run.interruptions.length}`],
    ] as const;
    byId("facts", HTMLElement).replaceChildren(
      ...facts.map(([name, value]) => {
        const fact = document.createElement("div");
        fact.append(element("dt", name), element("dd", value));
        return fact;
      }),
    );
  }

  #draw(): void {
    if (!this.#run) return;
    const toMs = Math.max(this.#run.lastMs, 1_000);
    drawTrace(byId("whole-trace", HTMLCanvasElement), this.#run, 0, toMs);
    drawScores(byId("scores", HTMLCanvasElement), this.#run, toMs);
  }
}

/** Repetitions, which have a number, and interruptions, as they came. */
function rowsOf(run: Run): HTMLTableRowElement[] {
  const rows = [
    ...run.repetitions.map(({ms, score}, index) => {
      return {ms, cells: [`${index + 1}`, timeText(ms), scoreText(score)]};
    }),
    ...run.interruptions.map(({ms, reason}) => {
      return {ms, cells: ["×", timeText(ms), `interrupted: ${REASONS[reason] ?? reason}`]};
    }),
  ];
  return rows.sort((one, other) => one.ms - other.ms).map(({cells}) => row(...cells));
}

function row(...cells: string[]): HTMLTableRowElement {
  const made = document.createElement("tr");
  made.append(...cells.map((text) => element("td", text)));
  return made;
}
