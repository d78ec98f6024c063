import {element} from "./dom.js";
import type {ShownMovement} from "./page_data.js";

/** Fill a legend with what the colours of a trace mean. */
export function fillLegend(list: HTMLElement, {angle, phases, hold_ms}: ShownMovement): void {
  const drawn = new Set(angle.bands.map(({phase}) => phase));
  const bands = [...phases.entries()].filter(([, phase]) => drawn.has(phase));
  list.replaceChildren(
    ...bands.map(([index, phase]) => {
      const name = `phase-${index + 1}`;
      return entry(phase, `swatch ${name}`, `var(--${name})`);
    }),
    entry(hold_ms === null ? "repetition" : "held", "stroke done"),
    entry("not counted", "stroke broken"),
  );
}

function entry(text: string, className: string, background = ""): HTMLElement {
  const item = document.createElement("li");
  const sample = element("span", "", className);
  sample.style.background = background;
  item.append(sample, text);
  return item;
}
