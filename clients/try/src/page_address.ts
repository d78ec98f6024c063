/** What the page's address asks for: `/try?movement=squat&target=10&locale=de`. */

import {type Target, targetOf} from "./target.js";

/** With `?speed=8` a recording is played so much faster; at most so. */
const FASTEST = 20;

const parameters = (): URLSearchParams => new URLSearchParams(location.search);

/** The slug of a movement. */
export function askedMovement(): string | null {
  return parameters().get("movement");
}

export function askedTarget(): Target | null {
  return targetOf(parameters().get("target"));
}

/** The tag of a language that the cues should be in, such as `de-AT`. */
export function askedLocale(): string | null {
  return parameters().get("locale");
}

export function askedSpeed(): number {
  return Math.min(FASTEST, Math.max(1, Number(parameters().get("speed")) || 1));
}

/** Let the address ask for what is chosen, so that it may be sent to a friend. */
export function keepInAddress(movement: string, target: string, locale: string | null): void {
  const asked = parameters();
  asked.set("movement", movement);
  if (target) asked.set("target", target);
  else asked.delete("target");
  if (locale) asked.set("locale", locale);
  history.replaceState(history.state, "", `?${asked}`);
}

/** The address to send to a friend. */
export function friendsAddress(movement: string, target: Target | null): string {
  const asked = new URLSearchParams({movement});
  if (target) asked.set("target", `${target.amount}${target.kind === "seconds" ? "s" : ""}`);
  return `${location.origin}${location.pathname}?${asked}`;
}
