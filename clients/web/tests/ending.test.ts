import assert from "node:assert/strict";
import {beforeEach, mock, test} from "node:test";
import {createStream, type EndOptions, type StreamOptions} from "../src/index.js";
import {type FakeSocket, sockets} from "./fake_socket.js";

const SESSION = {stream_url: "ws://kyna.invalid/stream", runtime_token: "a.b.c"};
const POSE = Array.from({length: 33}, () => ({x: 0, y: 0, z: 0}));
const DONE = {
  type: "session_done",
  status: "completed",
  terminal_outcome: "completed",
  accepted_frames_total: 1,
  error: null,
};

beforeEach(() => {
  mock.timers.reset();
  mock.timers.enable({apis: ["setTimeout", "Date"]});
});

/** A stream that was attached, has a pose to send, and is offline. */
function offline(options: StreamOptions = {}) {
  const {WebSocket, made} = sockets();
  const stream = createStream(SESSION, {WebSocket, ...options});
  made[0]?.attached();
  made[0]?.closed(1006);
  stream.add({timestampMs: 0, landmarks: POSE});
  return {stream, made, socket: () => made.at(-1) as FakeSocket};
}

/** The line stays away for so long. */
function stayAway(one: ReturnType<typeof offline>, ms: number): void {
  for (let passed = 0; passed < ms; passed += 100) {
    mock.timers.tick(100);
    if (one.stream.state === "waiting") one.socket().closed(1006);
  }
}

for (const [ending, options, seconds] of [
  ["finalize", {}, 120],
  ["finalize", {timeoutMs: 10_000}, 10],
  ["finalize", {timeoutMs: Number.NaN}, 120],
  ["finalize", {timeoutMs: null as never}, 120],
  ["cancel", {}, 120],
  ["cancel", {timeoutMs: 10_000}, 10],
] as ["finalize" | "cancel", EndOptions, number][]) {
  test(`an end by ${ending} that is not told in ${seconds} s rejects, and leaves nothing`, async (context) => {
    const page = Object.assign(new EventTarget(), {visibilityState: "visible"});
    Object.assign(globalThis, {document: page, window: page});
    context.after(() => {
      Reflect.deleteProperty(globalThis, "document");
      Reflect.deleteProperty(globalThis, "window");
    });
    const [added, removed] = ["addEventListener", "removeEventListener"].map((name) =>
      context.mock.method(page, name as "addEventListener"),
    );
    const one = offline();
    const ended = one.stream[ending](options);
    stayAway(one, 1000 * seconds - 100);
    assert.equal(one.stream.state, "waiting");
    stayAway(one, 100);
    assert.equal(one.stream.state, "ended");
    const told = {
      name: "KynaError",
      code: "end_timeout",
      retryable: true,
      details: {timeout_ms: 1000 * seconds, state: "waiting", unsent_poses: 1},
      message: `The session's end was not told within ${seconds} s, and the stream was left. The session goes on until its idle limit: attach to it again by another stream, or end it by the API.`,
    };
    await assert.rejects(ended, told);
    await assert.rejects(one.stream.ended, told);
    const attaches = one.made.length;
    page.dispatchEvent(new Event("online"));
    page.dispatchEvent(new Event("visibilitychange"));
    mock.timers.tick(4_000_000);
    assert.equal(one.made.length, attaches);
    assert.equal(one.socket().isClosed, true);
    assert.deepEqual([added?.mock.callCount(), removed?.mock.callCount()], [3, 3]);
  });
}

test("the session may be attached to again, and ends then", async () => {
  const one = offline();
  const late = one.stream.finalize({timeoutMs: 1_000});
  mock.timers.tick(1_000);
  await assert.rejects(late, {code: "end_timeout"});
  const {WebSocket, made} = sockets();
  const again = createStream(SESSION, {WebSocket});
  const ended = again.finalize({timeoutMs: 1_000});
  made[0]?.attached({last_batch_seq: 3, last_frame_seq: 7});
  assert.deepEqual(made[0]?.sent, [{type: "finalize"}]);
  made[0]?.say(DONE);
  assert.equal((await ended).status, "completed");
});

test("an end that is told in time leaves no timer", async () => {
  const one = offline();
  const ended = one.stream.finalize({timeoutMs: 5_000});
  mock.timers.tick(3_000);
  one.socket().attached();
  one.socket().acknowledge();
  one.socket().say(DONE);
  assert.equal((await ended).outcome, "completed");
  mock.timers.tick(4_000_000);
  assert.deepEqual([one.stream.state, (await one.stream.ended).outcome], ["ended", "completed"]);
});

test("the last time that is given counts, and asking again gives none", async () => {
  const one = offline();
  one.stream.finalize({timeoutMs: 5_000});
  stayAway(one, 4_000);
  one.stream.finalize();
  one.stream.finalize({timeoutMs: 20_000});
  stayAway(one, 19_000);
  one.stream.finalize();
  assert.equal(one.stream.state, "waiting");
  stayAway(one, 1_000);
  await assert.rejects(one.stream.ended, {
    code: "end_timeout",
    details: {timeout_ms: 20_000, state: "waiting", unsent_poses: 1},
  });
});

test("each ack begins the time anew, as of a slow line", async () => {
  const {WebSocket, made} = sockets();
  const stream = createStream(SESSION, {WebSocket, batchFrames: 1});
  const socket = made[0] as FakeSocket;
  socket.attached();
  for (let number = 0; number < 4; number += 1) {
    stream.add({timestampMs: 40 * number, landmarks: POSE});
  }
  stream.finalize({timeoutMs: 5_000});
  for (let acked = 0; acked < 4; acked += 1) {
    mock.timers.tick(4_000);
    const {batch_seq} = socket.sent.filter((message) => message.batch_seq)[acked] ?? {};
    socket.say({type: "frame_ack", batch_seq, accepted_frames_total: acked + 1});
  }
  assert.equal(stream.state, "attached");
  mock.timers.tick(5_000);
  await assert.rejects(stream.ended, {code: "end_timeout"});
});

test("with Infinity it is waited for as long as the stream tries", async () => {
  const one = offline({giveUpMs: 600_000});
  one.stream.finalize({timeoutMs: Number.POSITIVE_INFINITY});
  stayAway(one, 601_000);
  await assert.rejects(one.stream.ended, {code: "unreachable"});
});

test("nobody has to wait for an end that was asked for", async () => {
  const unhandled: unknown[] = [];
  const note = (error: unknown) => unhandled.push(error);
  process.on("unhandledRejection", note);
  const one = offline();
  one.stream.finalize({timeoutMs: 1_000});
  mock.timers.tick(1_000);
  await new Promise(setImmediate);
  process.off("unhandledRejection", note);
  assert.deepEqual([one.stream.state, unhandled], ["ended", []]);
});
