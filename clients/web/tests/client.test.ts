import assert from "node:assert/strict";
import {createServer, type IncomingMessage, type ServerResponse} from "node:http";
import type {AddressInfo} from "node:net";
import {type TestContext, test} from "node:test";
import {
  type Client,
  createClient,
  KynaError,
  type SessionCreate,
  type SessionRecord,
} from "../src/index.js";

type Answer = (response: ServerResponse, request: IncomingMessage) => void;
interface Asked {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly key: string | undefined;
  readonly token: string | undefined;
  readonly body: unknown;
}

const CREATE = {mode: "live", project_id: "p", movespec_id: "m"} as const;
const WITH_CONTEXT: SessionCreate = {
  ...CREATE,
  subject: "p_4711",
  metadata: {plan: "knee-week-3"},
  parameters: {depth: 90},
  locale: "de-AT",
};

function json(status: number, body: unknown, headers: Record<string, string> = {}): Answer {
  return (response) => {
    response.writeHead(status, {"Content-Type": "application/json", ...headers});
    response.end(JSON.stringify(body));
  };
}

function refused(status: number, code: string, headers: Record<string, string> = {}): Answer {
  const error = {code, message: "No.", retryable: status === 503, details: {limit: 3}};
  return json(status, {error}, headers);
}

const cut: Answer = (response) => response.destroy();

/** A server that gives the answers one after the other, and its client. */
async function serving(
  context: TestContext,
  answers: Answer[],
  deadlineMs = 10_000,
): Promise<{client: Client; baseUrl: string; asked: Asked[]; minted: boolean[]}> {
  const asked: Asked[] = [];
  const minted: boolean[] = [];
  const server = createServer(async (request, response) => {
    let text = "";
    for await (const chunk of request) text += chunk;
    asked.push({
      method: request.method,
      url: request.url,
      key: request.headers["idempotency-key"] as string | undefined,
      token: request.headers.authorization,
      body: text && JSON.parse(text),
    });
    (answers.shift() ?? refused(418, "too_many_requests"))(response, request);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  context.after(() => {
    server.close();
    server.closeAllConnections();
  });
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const client = createClient({
    baseUrl,
    tokenProvider: ({refresh}) => {
      minted.push(refresh);
      return `token-${minted.length}`;
    },
    deadlineMs,
  });
  return {client, baseUrl, asked, minted};
}

test("a create says for whom it is and how it counts, and the record shows it", async (context) => {
  const {client, asked} = await serving(context, [json(201, {}), json(200, WITH_CONTEXT)]);
  await client.sessions.create(WITH_CONTEXT);
  assert.deepEqual(asked[0]?.body, WITH_CONTEXT);
  const {subject, metadata, parameters, locale}: SessionRecord = await client.sessions.read("s");
  assert.equal(subject, "p_4711");
  assert.equal(metadata?.plan, "knee-week-3");
  assert.equal(parameters?.depth, 90);
  assert.equal(locale, "de-AT");
});

test("a create has a key of its own, with which a lost answer is asked for again", async (context) => {
  const created = {session_id: "s"};
  const {client, asked} = await serving(context, [
    cut,
    refused(503, "service_unavailable", {"Retry-After": "0"}),
    json(201, created),
    json(201, created),
  ]);
  assert.deepEqual(await client.sessions.create(CREATE), created);
  await client.sessions.create(CREATE);
  const [first, second, third, another] = asked;
  assert.match(String(first?.key), /^[0-9a-f]{32}$/);
  assert.deepEqual([second?.key, third?.key], [first?.key, first?.key]);
  assert.notEqual(another?.key, first?.key);
  assert.deepEqual(
    [first?.method, first?.url, first?.body, first?.token],
    ["POST", "/api/detection/sessions", CREATE, "Bearer token-1"],
  );
});

test("what is refused is an error with its code, and is asked for once", async (context) => {
  const {client, asked} = await serving(context, [refused(409, "movespec_archived")]);
  await assert.rejects(client.sessions.create(CREATE), (error) => {
    assert.ok(error instanceof KynaError);
    assert.deepEqual(
      [error.code, error.message, error.retryable, error.details, error.status],
      ["movespec_archived", "No.", false, {limit: 3}, 409],
    );
    return true;
  });
  assert.equal(asked.length, 1);
});

test("a limit is waited out for as long as the server asks", async (context) => {
  const {client} = await serving(context, [
    refused(429, "rate_limited", {"Retry-After": "1"}),
    json(200, {ok: true}),
  ]);
  const from = Date.now();
  assert.deepEqual(await client.movespecs.validate("m"), {ok: true});
  assert.ok(Date.now() - from >= 1000);
});

test("a wait beyond the deadline is not begun", async (context) => {
  const answers = [refused(429, "rate_limited", {"Retry-After": "11"})];
  const {client, asked} = await serving(context, answers);
  await assert.rejects(client.sessions.read("s"), {code: "rate_limited", status: 429});
  assert.equal(asked.length, 1);
});

test("a token that is refused is asked for anew, once", async (context) => {
  const {client, asked, minted} = await serving(context, [
    refused(401, "access_token_expired"),
    json(200, {}),
    json(200, {}),
    refused(401, "access_token_invalid"),
    refused(401, "access_token_invalid"),
  ]);
  await client.sessions.finalize("s");
  await client.sessions.cancel("s");
  await assert.rejects(client.sessions.read("s"), {code: "access_token_invalid", status: 401});
  assert.deepEqual(minted, [false, true, true]);
  assert.deepEqual(
    asked.map(({method, url, token}) => [method, url, token]),
    [
      ["POST", "/api/detection/sessions/s/finalize", "Bearer token-1"],
      ["POST", "/api/detection/sessions/s/finalize", "Bearer token-2"],
      ["POST", "/api/detection/sessions/s/cancel", "Bearer token-2"],
      ["GET", "/api/detection/sessions/s", "Bearer token-2"],
      ["GET", "/api/detection/sessions/s", "Bearer token-3"],
    ],
  );
});

test("lists are read to their end, by the address that was given", async (context) => {
  const {client, asked} = await serving(context, [
    json(200, [{movespec_id: 1}], {
      Link: '<https://other.invalid/api/movespecs?visibility=public&cursor=c>; rel="next"',
    }),
    json(200, []),
    json(200, [{event_id: "a"}]),
  ]);
  const found = [];
  for await (const one of client.movespecs.list({visibility: "public"})) found.push(one);
  for await (const one of client.sessions.events("s", {type: "feedback"})) found.push(one);
  assert.deepEqual(found, [{movespec_id: 1}, {event_id: "a"}]);
  assert.deepEqual(
    asked.map(({url}) => url),
    [
      "/api/movespecs?visibility=public",
      "/api/movespecs?visibility=public&cursor=c",
      "/api/detection/sessions/s/events?type=feedback&limit=500",
    ],
  );
});

test("what is no answer of the platform is said to be none", async (context) => {
  const page: Answer = (response) => {
    response.writeHead(404, {"Content-Type": "text/html"});
    response.end("<html>");
  };
  const {client} = await serving(context, [page]);
  await assert.rejects(client.movespecs.read("m"), {code: "unexpected_answer", status: 404});
});

test("a page where the platform should be is said to be none, and asked for once", async (context) => {
  const page: Answer = (response) => {
    response.writeHead(200, {"Content-Type": "text/html"});
    response.end("<html>");
  };
  const {client, asked} = await serving(context, [page]);
  await assert.rejects(client.movespecs.read("m"), {code: "unexpected_answer", status: 200});
  assert.equal(asked.length, 1);
});

test("calls at once ask for one new token between them", async (context) => {
  const byToken: Answer = (response, request) => {
    const isOld = request.headers.authorization === "Bearer token-1";
    (isOld ? refused(401, "access_token_expired") : json(200, {}))(response, request);
  };
  const {client, minted} = await serving(context, Array(12).fill(byToken));
  await Promise.all(Array.from({length: 6}, () => client.sessions.read("s")));
  assert.deepEqual(minted, [false, true]);
});

test("below a path of its own the platform is asked there, page by page", async (context) => {
  const link = {Link: '</api/movespecs?cursor=c>; rel="next"'};
  const {baseUrl, asked} = await serving(context, [json(200, [1], link), json(200, [2])]);
  const below = createClient({baseUrl: `${baseUrl}kyna`, tokenProvider: () => "t"});
  const found = [];
  for await (const one of below.movespecs.list()) found.push(one);
  assert.deepEqual(found, [1, 2]);
  assert.deepEqual(
    asked.map(({url}) => url),
    ["/kyna/api/movespecs", "/kyna/api/movespecs?cursor=c"],
  );
});

test("nobody there is told, once it is too late to try again", async () => {
  const client = createClient({
    baseUrl: "http://127.0.0.1:1",
    tokenProvider: () => "t",
    deadlineMs: 700,
  });
  await assert.rejects(client.sessions.read("s"), {code: "unreachable", retryable: true});
});

test("a call that is given up ends, and so does its wait", async (context) => {
  const {client, asked} = await serving(context, [
    refused(429, "rate_limited", {"Retry-After": "5"}),
  ]);
  const signal = AbortSignal.timeout(300);
  await assert.rejects(client.sessions.read("s", {signal}), {name: "TimeoutError"});
  assert.equal(asked.length, 1);
});

test("a provider that failed is told, and asked again by the next call", async (context) => {
  const {baseUrl, asked} = await serving(context, [json(200, {session_id: "s"})]);
  const answers = [
    () => {
      throw new Error("the back end is away");
    },
    () => "<html>\n502",
    () => "token",
  ];
  const client = createClient({baseUrl, tokenProvider: () => String(answers.shift()?.())});
  for (const why of [/back end is away/, /no token/]) {
    await assert.rejects(client.sessions.read("s"), (error: KynaError) => {
      assert.equal(error.code, "token_unavailable");
      assert.match(String(error.cause), why);
      return true;
    });
  }
  assert.equal(asked.length, 0);
  assert.deepEqual(await client.sessions.read("s"), {session_id: "s"});
});

for (const baseUrl of [
  "api.example.com",
  "localhost:8000",
  "ws://kyna.example",
  "ftp://kyna.example",
  "https://",
  "https://kyna.example/?project=1",
  "https://kyna.example/#top",
  "https://user:secret@kyna.example",
  undefined,
]) {
  test(`${baseUrl} is no address of the platform, which is told at once`, () => {
    const tokenProvider = () => assert.fail("a token was asked for");
    const make = () => createClient({baseUrl: baseUrl as string, tokenProvider});
    assert.throws(make, {
      name: "KynaError",
      code: "base_url_invalid",
      retryable: false,
      message: `baseUrl has to be the platform's address with its scheme, such as https://kyna.example, and is: ${baseUrl}`,
    });
  });
}

test("a server that renders the page takes a path, and asks nothing", () => {
  for (const baseUrl of ["/kyna", "/", ""]) createClient({baseUrl, tokenProvider: () => "t"});
});

test("in a page a path is one of its own host", async (context) => {
  const session = json(200, {session_id: "s"});
  const {baseUrl, asked} = await serving(context, [session, session]);
  Object.assign(globalThis, {location: {href: `${baseUrl}try?speed=8`}});
  context.after(() => Reflect.deleteProperty(globalThis, "location"));
  for (const path of ["/kyna/", ""]) {
    await createClient({baseUrl: path, tokenProvider: () => "t"}).sessions.read("s");
  }
  assert.deepEqual(
    asked.map(({url}) => url),
    ["/kyna/api/detection/sessions/s", "/api/detection/sessions/s"],
  );
});
