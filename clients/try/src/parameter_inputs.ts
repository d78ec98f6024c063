import {element} from "./dom.js";
import type {Movement, Parameter} from "./page_data.js";

/** An input for each number of a movement that people may choose for themselves. */
export class ParameterInputs {
  readonly #box: HTMLElement;
  #inputs: readonly (readonly [Parameter, HTMLInputElement])[] = [];
  #movement: Movement | null = null;

  constructor(box: HTMLElement) {
    this.#box = box;
  }

  /** What was entered for the same movement stays. */
  show(movement: Movement): void {
    if (movement === this.#movement) return;
    this.#movement = movement;
    this.#inputs = movement.parameters.map((parameter) => [parameter, inputOf(parameter)]);
    this.#box.replaceChildren(...this.#inputs.map(([parameter, input]) => rowOf(parameter, input)));
    this.#box.hidden = this.#inputs.length === 0;
  }

  /** The numbers other than the defaults, by name. An input that is empty has its default. */
  get chosen(): Record<string, number> {
    const chosen: Record<string, number> = {};
    for (const [parameter, {value}] of this.#inputs) {
      const number = value === "" ? parameter.default : Number(value);
      if (number !== parameter.default) chosen[parameter.name] = number;
    }
    return chosen;
  }
}

function inputOf(parameter: Parameter): HTMLInputElement {
  const input = document.createElement("input");
  Object.assign(input, {type: "number", step: "any", id: `parameter-${parameter.name}`});
  [input.min, input.max] = [`${parameter.min}`, `${parameter.max}`];
  input.value = input.placeholder = `${parameter.default}`;
  return input;
}

function rowOf({label, min, max, unit}: Parameter, input: HTMLInputElement): HTMLElement {
  const row = element("p", "");
  const name = element("label", label);
  name.htmlFor = input.id;
  const bounds = element("span", `${min} to ${max}${unit}`, "quiet");
  bounds.id = `${input.id}-bounds`;
  input.setAttribute("aria-describedby", bounds.id);
  row.append(name, input, bounds);
  return row;
}
