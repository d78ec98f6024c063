import {element} from "./dom.js";
import type {Movement} from "./page_data.js";

/** Say what the colours of a trace mean. */
export function fillLegend(list: HTMLElement, {angle, phases}: Movement): void {
  const drawn = new Set(angle.bands.map(({phase}) => phase));
  const bands = [...phases.entries()].filter(([, phase]) => drawn.has(phase));
  list.replaceChildren(
    ...bands.map(([index, phase]) => entry(phase, `swatch phase-${index + 1}`)),
    entry("repetition", "stroke done"),
    entry("interrupted", "stroke broken"),
  );
}

function entry(text: string, className: string): HTMLElement {
  const item = document.createElement("li");
  item.append(element("span", "", className), text);
  return item;
}
