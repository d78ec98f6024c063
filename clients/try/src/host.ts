/** Tells whatever shows a session page what happens in it: the page around its frame, or an app. */

import type {SessionPageEvent, SessionPageEventOf} from "@kynaplatform/web";

interface Shown {
  readonly ReactNativeWebView?: {postMessage(text: string): void};
}

export class Host {
  readonly #sessionId: string;
  readonly #origins: readonly string[];

  /** `allowed` are the origins that may be told. */
  constructor(sessionId: string, allowed: readonly string[]) {
    this.#sessionId = sessionId;
    this.#origins = narrowed(allowed);
  }

  tell(what: SessionPageEventOf): void {
    const event: SessionPageEvent = {
      from: "kynaplatform",
      version: 1,
      sessionId: this.#sessionId,
      ...what,
    };
    if (isFramed()) for (const origin of this.#origins) parent.postMessage(event, origin);
    (globalThis as Shown).ReactNativeWebView?.postMessage(JSON.stringify(event));
  }
}

export function isFramed(): boolean {
  return parent !== window;
}

/** The one that frames the page, where the browser says it: to others it would log a refusal. */
function narrowed(allowed: readonly string[]): readonly string[] {
  const around = location.ancestorOrigins?.[0];
  return around !== undefined && allowed.includes(around) ? [around] : allowed;
}
