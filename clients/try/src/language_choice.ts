import {askedLocale} from "./page_address.js";
import type {Movement} from "./page_data.js";

/** The language of the cues, where a movement has them in several. */
export class LanguageChoice {
  readonly #row: HTMLElement;
  readonly #select: HTMLSelectElement;
  #chosen: string | null = null;

  constructor(row: HTMLElement, select: HTMLSelectElement) {
    this.#row = row;
    this.#select = select;
    select.addEventListener("change", () => {
      this.#chosen = select.value;
    });
  }

  /** Offer a movement's languages: the one chosen before, else the address's, else the browser's. */
  show({languages}: Movement): void {
    this.#row.hidden = languages.length < 2;
    this.#select.replaceChildren(...languages.map((tag) => new Option(nameOf(tag), tag)));
    const wanted = [this.#chosen, askedLocale(), ...navigator.languages, "en"];
    const found = wanted.map((locale) => lookup(languages, locale ?? "")).find((tag) => tag);
    if (found) this.#select.value = found;
  }

  /** The tag of the language; null where there is no choice. */
  get language(): string | null {
    return this.#row.hidden ? null : this.#select.value;
  }

  /** The same, if somebody or the address has chosen it. */
  get kept(): string | null {
    return this.#chosen ?? askedLocale();
  }
}

/** The longest tag that a locale begins with: of `de-AT` that is `de-AT`, else `de`. */
export function lookup(tags: readonly string[], locale: string): string | null {
  const wanted = `${locale.toLowerCase()}-`;
  const found = tags.filter((tag) => wanted.startsWith(`${tag.toLowerCase()}-`));
  return found.sort((one, other) => other.length - one.length)[0] ?? null;
}

/** A language's name in itself; its tag where the browser knows none. */
function nameOf(tag: string): string {
  const name = new Intl.DisplayNames([tag], {type: "language"}).of(tag) ?? tag;
  return name.charAt(0).toLocaleUpperCase(tag) + name.slice(1);
}
