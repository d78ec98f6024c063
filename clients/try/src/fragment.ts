/** What the address of a session page asks for, behind its `#`. */

/** The countdown, in seconds, where the address asks for none; and the longest. */
const COUNTDOWN = 5;
const MAX_COUNTDOWN = 10;

export interface Asked {
  readonly session: string;
  readonly token: string;
  /** Where to go after the result; null where that is nowhere, or not allowed. */
  readonly returnTo: string | null;
  readonly speak: boolean;
  readonly countdown: number;
  /** The movement that the built-in figure does in place of a person; null for the camera. */
  readonly figure: string | null;
}

/**
 * Read a fragment; null where it has no session or no token. `returns` are the addresses that staff
 * allow: one is allowed with any query.
 */
export function readFragment(fragment: string, returns: readonly string[]): Asked | null {
  const asked = new URLSearchParams(fragment.replace(/^#/, ""));
  const [session, token] = [asked.get("session"), asked.get("token")];
  if (!session || !token) return null;
  const returnTo = asked.get("return");
  const countdown = Number(asked.get("countdown") ?? COUNTDOWN);
  const figure = asked.get("figure");
  return {
    session,
    token,
    returnTo: returnTo !== null && isAllowed(returnTo, returns) ? returnTo : null,
    speak: asked.get("speak") === "1",
    countdown: countdown >= 0 ? Math.min(Math.floor(countdown), MAX_COUNTDOWN) : COUNTDOWN,
    figure: figure && /^[a-z0-9-]+$/.test(figure) ? figure : null,
  };
}

function isAllowed(address: string, returns: readonly string[]): boolean {
  return !address.includes("#") && returns.includes(address.split("?", 1)[0] as string);
}

/** The address to return to, with the session and how it ended. */
export function returnAddress(address: string, session: string, outcome: string | null): string {
  const url = new URL(address);
  url.searchParams.set("session_id", session);
  url.searchParams.set("outcome", outcome ?? "unknown");
  return url.href;
}
