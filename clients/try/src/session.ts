import {KynaError, type StreamSession} from "@kynaplatform/web";

/** A session of the page at /try, and a token that reads its events. */
export interface Opened {
  readonly session: StreamSession & {readonly session_id: string};
  readonly access_token: string;
  /** The YAML that counts in it. */
  readonly movespec: string;
}

/**
 * Ask the server for a session; rejects with a KynaError.
 *
 * One that was made although `signal` was aborted is left: nobody attaches, and so it expires.
 */
export async function openSession(
  address: string,
  asked: {
    readonly movement: string;
    readonly parameters: Readonly<Record<string, number>>;
    readonly locale: string | null;
  },
  signal: AbortSignal,
): Promise<Opened> {
  let answer: Response;
  try {
    answer = await fetch(address, {
      method: "POST",
      headers: {"Content-Type": "application/json"},
      body: JSON.stringify(asked),
      signal,
    });
  } catch (cause) {
    throw new KynaError(
      {code: "unreachable", message: "The server can't be reached.", retryable: true},
      {cause},
    );
  }
  const body = await answer.json().catch(() => null);
  if (answer.ok && body) return body as Opened;
  const told = {code: "unexpected_answer", message: "The server failed.", retryable: true};
  const error = body?.error ?? told;
  const retry_after_seconds = Number(answer.headers.get("Retry-After"));
  const details = {...error.details, ...(retry_after_seconds && {retry_after_seconds})};
  throw new KynaError({...error, details}, {status: answer.status});
}
