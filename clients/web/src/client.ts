import type {DetectionEvent} from "./messages.js";
import type {components, operations} from "./openapi.js";
import {type Asked, type CallOptions, Requests, type RequestsOptions} from "./requests.js";

type Schemas = components["schemas"];
export type SessionCreate = Schemas["SessionCreate"];
export type SessionCreated = Schemas["SessionCreated"];
export type SessionRecord = Schemas["SessionRecord"];
export type MoveSpec = Schemas["MoveSpecAnswer"];
export type ValidationResult = Schemas["ValidationResult"];

type Query<Name extends keyof operations> = Omit<
  NonNullable<operations[Name]["parameters"]["query"]>,
  "limit" | "cursor"
>;
export type ClientOptions = RequestsOptions;

/** The platform's API, as one project. Each call rejects with a KynaError. */
export interface Client {
  readonly sessions: {
    /** A new session, by an Idempotency-Key of its own: a lost answer makes no second one. */
    create(session: SessionCreate, options?: CallOptions): Promise<SessionCreated>;
    read(sessionId: string, options?: CallOptions): Promise<SessionRecord>;
    /** All events, oldest first, page by page; `after` goes on behind a known one. */
    events(
      sessionId: string,
      options?: Query<"session_event_list"> & CallOptions,
    ): AsyncGenerator<DetectionEvent, void, undefined>;
    /** Have what was sent processed, then end the session. Again: the same. */
    finalize(sessionId: string, options?: CallOptions): Promise<SessionRecord>;
    /** End the session now. Again: the same. */
    cancel(sessionId: string, options?: CallOptions): Promise<SessionRecord>;
  };
  readonly movespecs: {
    /** All that the project may read, newest first, page by page. */
    list(options?: Query<"movespec_list"> & CallOptions): AsyncGenerator<MoveSpec, void, undefined>;
    read(movespecId: string, options?: CallOptions): Promise<MoveSpec>;
    /** What is wrong with its draft. It changes nothing. */
    validate(movespecId: string, options?: CallOptions): Promise<ValidationResult>;
  };
}

const SESSIONS = "/api/detection/sessions";
const MOVESPECS = "/api/movespecs";
const EVENTS_A_PAGE = 500;

/** A client of one platform. Throws `base_url_invalid` where `baseUrl` is no address. */
export function createClient(options: ClientOptions): Client {
  const requests = new Requests(options);

  async function ask<Body>(method: "GET" | "POST", path: string, call: Partial<Asked> = {}) {
    return (await requests.ask<Body>({...call, method, path})).body;
  }

  return {
    sessions: {
      create(body, call) {
        const headers = {"Idempotency-Key": idempotencyKey()};
        return ask("POST", SESSIONS, {...call, body, headers});
      },
      read: (id, call) => ask("GET", `${SESSIONS}/${encodeURIComponent(id)}`, call),
      events(id, {signal, ...query} = {}) {
        const asked = queryOf({...query, limit: EVENTS_A_PAGE});
        return requests.list(`${SESSIONS}/${encodeURIComponent(id)}/events${asked}`, {signal});
      },
      finalize: (id, call) => ask("POST", `${SESSIONS}/${encodeURIComponent(id)}/finalize`, call),
      cancel: (id, call) => ask("POST", `${SESSIONS}/${encodeURIComponent(id)}/cancel`, call),
    },
    movespecs: {
      list: ({signal, ...query} = {}) => requests.list(MOVESPECS + queryOf(query), {signal}),
      read: (id, call) => ask("GET", `${MOVESPECS}/${encodeURIComponent(id)}`, call),
      validate: (id, call) =>
        ask("POST", `${MOVESPECS}/${encodeURIComponent(id)}/draft/validate`, call),
    },
  };
}

/** 128 bits by chance. `crypto.randomUUID` is not there on a page without TLS. */
function idempotencyKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function queryOf(query: Readonly<Record<string, string | number | undefined>>): string {
  const given = Object.entries(query).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, String(value)]],
  );
  return given.length > 0 ? `?${new URLSearchParams(given)}` : "";
}
