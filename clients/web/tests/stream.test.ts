import assert from "node:assert/strict";
import {beforeEach, mock, test} from "node:test";
import {createStream, type KynaError, type StreamOptions} from "../src/index.js";
import {type FakeSocket, sockets} from "./fake_socket.js";

const SESSION = {stream_url: "ws://kyna.invalid/stream", runtime_token: "a.b.c"};
const POSE = Array.from({length: 33}, () => ({x: 0, y: 0, z: 0}));
const FRAME_MS = 1000 / 30;

beforeEach(() => {
  mock.timers.reset();
  mock.timers.enable({apis: ["setTimeout", "Date"]});
});

function begun(options: StreamOptions = {}) {
  const {WebSocket, made} = sockets();
  const stream = createStream(SESSION, {WebSocket, ...options});
  let frames = 0;
  return {
    stream,
    made,
    get socket(): FakeSocket {
      return made.at(-1) as FakeSocket;
    },
    /** A camera's poses for so many seconds, 30 a second. */
    show(seconds: number): void {
      for (let shown = 0; shown < seconds * 30; shown += 1) {
        stream.add({timestampMs: frames * FRAME_MS, landmarks: POSE});
        frames += 1;
        mock.timers.tick(FRAME_MS);
      }
    },
  };
}

test("nothing is sent before the server has spoken, and a batch goes at 15 poses", () => {
  const one = begun();
  one.show(1);
  assert.equal(one.socket.sent.length, 0);
  one.socket.attached();
  assert.equal(one.socket.sent[0]?.frames?.length, 30);
  one.show(0.5);
  assert.equal(one.socket.times.length, 40, "the rest is overdue after 300 ms");
  one.stream.close();
});

test("a batch goes at its size, or once its first pose has waited", () => {
  const one = begun({batchFrames: 2, batchMs: 1000});
  one.socket.attached();
  for (const timestampMs of [0, 40, 80]) one.stream.add({timestampMs, landmarks: POSE});
  assert.deepEqual(one.socket.times, [0, 40]);
  mock.timers.tick(999);
  assert.deepEqual(one.socket.times, [0, 40]);
  mock.timers.tick(1);
  assert.deepEqual(one.socket.times, [0, 40, 80]);
  one.stream.close();
});

test("a slow line is sent every second pose, and what was left out is counted and told", () => {
  const told: number[] = [];
  const one = begun({onDropped: (total) => told.push(total)});
  one.socket.attached();
  // An ack every 4 s lets one batch go.
  for (let second = 0; second < 40; second += 4) {
    one.show(4);
    const [oldest] = one.socket.sent.splice(0, 1);
    one.socket.say({type: "frame_ack", batch_seq: oldest?.batch_seq, accepted_frames_total: 0});
  }
  assert.ok(one.stream.droppedFrames > 0);
  assert.equal(told.at(-1), one.stream.droppedFrames);
  assert.deepEqual(
    told,
    [...told].sort((a, b) => a - b),
  );
  const times = one.socket.times;
  const [oldest = 0, newest = 0] = [times[0], times.at(-1)];
  assert.ok(newest > 30_000, "what is sent is recent");
  const gaps = times.slice(1).map((time, index) => time - (times[index] ?? 0));
  assert.ok(Math.max(...gaps) < 1000, `${gaps}`);
  assert.ok(oldest < newest);
  one.stream.close();
});

test("away for a minute, nothing is lost, and all of it is sent", () => {
  const one = begun();
  one.socket.attached();
  one.show(1);
  one.socket.acknowledge();
  one.socket.closed(1006);
  one.show(59);
  assert.equal(one.stream.state, "waiting");
  one.socket.attached();
  for (let sent = -1; sent !== one.socket.sent.length; ) {
    sent = one.socket.sent.length;
    one.socket.acknowledge();
    one.show(0.1);
  }
  assert.equal(one.stream.droppedFrames, 0);
  const times = [...new Set(one.made.flatMap((socket) => socket.times))];
  const numbers = times.map((time) => Math.round(time / FRAME_MS));
  assert.deepEqual(
    numbers.slice(0, 1800),
    Array.from({length: 1800}, (_, index) => index),
  );
  assert.ok(one.socket.sent.every(({frames}) => (frames?.length ?? 0) <= 240));
  one.stream.close();
});

test("away for longer, poses are thinned, so that memory has an end", () => {
  const one = begun({giveUpMs: 1e9});
  one.show(600);
  assert.ok(one.stream.droppedFrames >= 18_000 - 3_600);
  one.stream.close();
});

test("an attach that says that the session has ended is told, and nothing is retried", async () => {
  const states: string[] = [];
  const one = begun({onState: (state) => states.push(state)});
  one.socket.attached();
  one.socket.closed(1006);
  mock.timers.tick(130_000 / 1000);
  mock.timers.tick(100);
  one.socket.say({
    type: "error",
    error: {
      code: "session_already_ended",
      message: "The session has ended.",
      retryable: false,
      details: {status: "failed", terminal_outcome: "abandoned", accepted_frames_total: 12},
    },
  });
  one.socket.closed(4410);
  const end = await one.stream.ended;
  assert.deepEqual(
    [end.status, end.outcome, end.acceptedFrames, end.missedEvents, end.repetitions],
    ["failed", "abandoned", 12, true, null],
  );
  const attaches = one.made.length;
  mock.timers.tick(600_000);
  assert.equal(one.made.length, attaches);
  assert.deepEqual(states, ["attached", "waiting", "ended"]);
});

test("waits grow to 3 s, and without an attach for 5 minutes it gives up", async () => {
  const one = begun();
  const from = Date.now();
  while (one.stream.state !== "ended") {
    one.socket.closed(1006);
    mock.timers.tick(3_000);
  }
  await assert.rejects(one.stream.ended, (error: KynaError) => {
    assert.deepEqual([error.name, error.code, error.retryable], ["KynaError", "unreachable", true]);
    return true;
  });
  assert.ok(Date.now() - from > 290_000);
});

test("a server that owes an answer and says nothing for 20 s is left, one that owes none is not", () => {
  const one = begun();
  one.socket.attached();
  mock.timers.tick(29_999);
  assert.equal(one.stream.state, "attached");
  assert.equal(one.socket.sent.length, 0);
  mock.timers.tick(1);
  assert.deepEqual(one.socket.sent, [{type: "ping"}], "an idle client says that it is there");
  const [first] = one.made;
  one.show(0.5);
  mock.timers.tick(20_000);
  assert.equal(first?.isClosed, true);
  mock.timers.tick(100);
  assert.equal(one.made.length, 2);
  one.stream.close();
});

test("a source that can wait loses nothing", async () => {
  const one = begun();
  one.socket.attached();
  const added = (async () => {
    for (let number = 0; number < 3000; number += 1) {
      one.stream.add({timestampMs: number * FRAME_MS, landmarks: POSE});
      await one.stream.ready;
    }
    return one.stream.finalize();
  })();
  while (one.socket.sent.at(-1)?.type !== "finalize") {
    await new Promise(setImmediate);
    one.socket.acknowledge();
  }
  one.socket.say({
    type: "session_done",
    status: "completed",
    terminal_outcome: "completed",
    accepted_frames_total: 3000,
    error: null,
  });
  assert.equal((await added).acceptedFrames, 3000);
  assert.deepEqual([one.stream.droppedFrames, new Set(one.socket.times).size], [0, 3000]);
});

test("what a callback throws is the page's, and the stream goes on", (context) => {
  mock.timers.reset();
  const later: (() => void)[] = [];
  context.mock.method(globalThis, "setTimeout", (callback: () => void) => later.push(callback));
  const one = begun({
    batchFrames: 1,
    onState: () => {
      throw new Error("the page's own");
    },
  });
  one.socket.attached();
  assert.throws(() => later.at(-1)?.(), /the page's own/);
  one.stream.add({timestampMs: 0, landmarks: POSE});
  assert.deepEqual([one.stream.state, one.socket.times], ["attached", [0]]);
});

test("any number of readers get each event, and a stream that is left ends them", async () => {
  const one = begun();
  one.socket.attached();
  const read = async () => {
    const ids: string[] = [];
    try {
      for await (const {event_id} of one.stream) ids.push(event_id);
    } catch (error) {
      ids.push((error as KynaError).code);
    }
    return ids;
  };
  const early = read();
  for (const event_id of ["a", "b", "b"]) {
    one.socket.say({type: "event_batch", batch_seq: 1, events: [{event_id, type: "feedback"}]});
  }
  const late = read();
  await new Promise(setImmediate);
  one.stream.close();
  assert.deepEqual(await Promise.all([early, late]), [
    ["a", "b", "left"],
    ["a", "b", "left"],
  ]);
  await assert.rejects(one.stream.finalize(), {code: "left"});
  one.stream.add({timestampMs: 0, landmarks: POSE});
  assert.equal(one.socket.isClosed, true);
});

test("a cancel wins over a finalize, and each is said once", () => {
  const one = begun({batchMs: 1000});
  one.socket.attached();
  one.show(0.5);
  one.stream.finalize();
  one.stream.cancel();
  one.stream.finalize();
  one.socket.acknowledge();
  assert.deepEqual(
    one.socket.sent.map(({type}) => type),
    ["frame_batch", "cancel"],
  );
  one.stream.close();
});

test("a page in the back sends what it has, and in front again attaches at once", (context) => {
  const page = Object.assign(new EventTarget(), {visibilityState: "visible"});
  Object.assign(globalThis, {document: page});
  context.after(() => Reflect.deleteProperty(globalThis, "document"));
  const turn = (state: string) => {
    page.visibilityState = state;
    page.dispatchEvent(new Event("visibilitychange"));
  };
  const one = begun();
  one.socket.attached();
  one.stream.add({timestampMs: 0, landmarks: POSE});
  turn("hidden");
  assert.deepEqual(one.socket.times, [0]);
  one.socket.closed(1006);
  assert.equal(one.made.length, 1);
  turn("visible");
  assert.equal(one.made.length, 2);
  one.stream.close();
});

test("a line that is there again is used at once, but not before the server's own wait", (context) => {
  const page = new EventTarget();
  Object.assign(globalThis, {window: page});
  context.after(() => Reflect.deleteProperty(globalThis, "window"));
  const one = begun();
  one.socket.closed(1006);
  page.dispatchEvent(new Event("online"));
  assert.equal(one.made.length, 2);
  const error = {code: "rate_limited", message: "", retryable: true};
  one.socket.say({type: "error", error: {...error, details: {retry_after_seconds: 9}}});
  one.socket.closed(4429);
  page.dispatchEvent(new Event("online"));
  mock.timers.tick(9_000);
  assert.equal(one.made.length, 2);
  mock.timers.tick(400);
  assert.equal(one.made.length, 3);
  one.stream.close();
});

test("what is no server of the protocol ends it", async () => {
  const one = begun();
  one.socket.onmessage?.({data: "<html>"} as never);
  await assert.rejects(one.stream.ended, {code: "unexpected_answer", retryable: false});
  assert.equal(one.made.length, 1);
});
