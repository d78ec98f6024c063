/** Sends a result card to a friend, saves it, or copies the address at which a friend does it. */

import {copy} from "./clipboard.js";
import {byId} from "./dom.js";

export interface Shared {
  readonly canvas: HTMLCanvasElement;
  /** The file's name. */
  readonly name: string;
  readonly text: string;
  readonly url: string;
}

export class Sharing {
  readonly #share = byId("share", HTMLButtonElement);
  readonly #save = byId("save-picture", HTMLAnchorElement);
  readonly #copy = byId("copy-link", HTMLButtonElement);
  #current: Shared | null = null;

  /** Offer a picture. What the browser can't do is not shown. */
  async offer(shared: Shared): Promise<void> {
    this.#current = shared;
    this.#share.hidden = true;
    const blob = await new Promise<Blob | null>((resolve) => {
      shared.canvas.toBlob(resolve, "image/png");
    });
    if (!blob || this.#current !== shared) return;
    const file = new File([blob], shared.name, {type: blob.type});
    URL.revokeObjectURL(this.#save.href);
    this.#save.href = URL.createObjectURL(file);
    this.#save.download = shared.name;
    this.#copy.onclick = () => void copy(this.#copy, shared.url);
    const {text, url} = shared;
    const data = {files: [file], text: `${text} ${url}`};
    if (!navigator.canShare?.(data)) return;
    this.#share.hidden = false;
    // Who closes the list of apps has changed their mind.
    this.#share.onclick = () => void navigator.share(data).catch(() => {});
  }
}
