/** What the platform says of a session's movement to who has its runtime token. */

import {KynaError} from "@kynaplatform/web";
import type {Engine, ShownMovement} from "./page_data.js";

export interface SessionMovement extends ShownMovement {
  readonly project_id: string;
  readonly status: string;
  readonly target: {readonly repetitions?: number; readonly hold_ms?: number} | null;
  /** The language of the session's cues; null where none is named. */
  readonly language: string | null;
  readonly angle_settings: Engine;
  readonly stream_url: string;
}

/** Rejects with a KynaError. */
export async function fetchMovement(session: string, token: string): Promise<SessionMovement> {
  const address = `/api/detection/sessions/${encodeURIComponent(session)}/movement`;
  let answer: Response;
  try {
    answer = await fetch(address, {headers: {Authorization: `Bearer ${token}`}});
  } catch (cause) {
    const message = "The server can't be reached.";
    throw new KynaError({code: "unreachable", message, retryable: true}, {cause});
  }
  const body = await answer.json().catch(() => null);
  if (answer.ok && body) return body as SessionMovement;
  const failed = {code: "unexpected_answer", message: "The server failed.", retryable: true};
  const error = body?.error ?? failed;
  const retry_after_seconds = Number(answer.headers.get("Retry-After"));
  const details = {...error.details, ...(retry_after_seconds && {retry_after_seconds})};
  throw new KynaError({...error, details}, {status: answer.status});
}
