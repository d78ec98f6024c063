import assert from "node:assert/strict";
import {beforeEach, mock, type TestContext, test} from "node:test";
import {
  createStream,
  type KynaError,
  type StreamOptions,
  type StreamSession,
} from "../src/index.js";
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
  let acknowledged = 0;
  const one = () => made.at(-1) as FakeSocket;
  return {
    stream,
    made,
    get socket(): FakeSocket {
      return one();
    },
    /** The oldest batch that was not acknowledged. */
    acknowledgeOldest(): void {
      const batch = one().sent.filter(({type}) => type === "frame_batch")[acknowledged];
      if (!batch) return;
      acknowledged += 1;
      one().say({type: "frame_ack", batch_seq: batch.batch_seq, accepted_frames_total: 0});
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
  assert.deepEqual(
    one.socket.sent.map(({frames}) => frames?.length),
    [15, 15],
  );
  one.show(0.5);
  assert.equal(one.socket.times.length, 40, "the rest is overdue after 300 ms");
  one.stream.close();
});

test("what the server warns of is told once, however often it attaches", () => {
  const warnings: string[] = [];
  const one = begun({onWarning: (warning) => warnings.push(warning)});
  one.socket.attached({warnings: ["no_visibility"]});
  one.socket.closed(1006);
  mock.timers.tick(10_000);
  one.socket.attached({warnings: ["no_visibility"]});
  assert.deepEqual(warnings, ["no_visibility"]);
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

for (const batchFrames of [0, -1, 0.5, Number.NaN]) {
  test(`a batch of ${batchFrames} poses is one of a pose, or the usual, and none is empty`, () => {
    const one = begun({batchFrames});
    one.socket.attached();
    one.show(1);
    one.socket.acknowledge();
    one.show(1);
    for (let round = 0; round < 50; round += 1) one.socket.acknowledge();
    mock.timers.tick(301);
    const sizes = one.socket.sent.map(({frames}) => frames?.length);
    assert.deepEqual([one.socket.times.length, sizes.includes(0)], [60, false]);
    assert.equal(sizes[0] === 1, !Number.isNaN(batchFrames));
    one.stream.close();
  });
}

test("nobody is told once, however long, and with the poses before it", () => {
  const one = begun();
  one.socket.attached();
  one.stream.add({timestampMs: 0, landmarks: POSE});
  for (let ms = 100; ms <= 60_000; ms += 100) {
    one.stream.add({timestampMs: ms, landmarks: null});
    mock.timers.tick(100);
    one.socket.acknowledge();
  }
  const batches = one.socket.sent.filter(({type}) => type === "frame_batch");
  assert.deepEqual(
    batches.map(({frames, clock_ms}) => [frames?.length, clock_ms]),
    [
      [1, undefined],
      [0, 2_000],
    ],
  );
  one.stream.close();
});

test("after an hour of coming and going, no time of nobody is sent without its pose", () => {
  const one = begun();
  for (let time = 0; time < 4_000; time += 1) {
    one.stream.add({timestampMs: 5_000 * time, landmarks: POSE});
    one.stream.add({timestampMs: 5_000 * time + 2_000, landmarks: null});
  }
  assert.equal(one.stream.droppedFrames > 0, true);
  one.socket.attached();
  acknowledgeAll(one);
  const empty = one.socket.sent.filter(({frames}) => frames?.length === 0);
  assert.deepEqual(empty, []);
  one.stream.close();
});

test("a time of Infinity is never, and not at once", () => {
  const one = begun({silentMs: Number.POSITIVE_INFINITY, batchMs: Number.POSITIVE_INFINITY});
  one.socket.attached();
  one.stream.add({timestampMs: 0, landmarks: POSE});
  mock.timers.tick(3_000);
  assert.deepEqual([one.socket.times, one.stream.state, one.made.length], [[], "attached", 1]);
  one.stream.close();
});

/** The longest time between two poses that were sent. */
function longestGap(times: readonly number[]): number {
  return Math.max(...times.slice(1).map((time, index) => time - (times[index] ?? 0)));
}

test("a slow line is sent fewer poses, evenly; what was left out is counted and told", () => {
  const told: number[] = [];
  const one = begun({onDropped: (total) => told.push(total)});
  one.socket.attached();
  // It takes 15 poses a second of a camera that gives 30.
  for (let second = 0; second < 40; second += 1) {
    one.show(1);
    one.acknowledgeOldest();
  }
  const {dropped, times} = {dropped: one.stream.droppedFrames, times: one.socket.times};
  assert.ok(dropped > 400 && dropped < 700, `${dropped}`);
  assert.equal(told.at(-1), dropped);
  assert.deepEqual(
    told,
    [...new Set(told)].sort((a, b) => a - b),
  );
  assert.ok((times.at(-1) ?? 0) > 34_000, "what is sent is of the last seconds");
  assert.ok(longestGap(times) <= 200, `${longestGap(times)}`);
  one.stream.close();
});

/** All is acknowledged from now on, until nothing more is sent. */
function acknowledgeAll(one: ReturnType<typeof begun>): void {
  for (let sent = -1; sent !== one.socket.sent.length; ) {
    sent = one.socket.sent.length;
    one.socket.acknowledge();
  }
}

test("away for a minute, nothing is lost, and all of it is sent", () => {
  const one = begun();
  one.socket.attached();
  one.show(1);
  acknowledgeAll(one);
  one.socket.closed(1006);
  one.show(59);
  assert.equal(one.stream.state, "waiting");
  one.socket.attached();
  acknowledgeAll(one);
  one.show(1);
  acknowledgeAll(one);
  const times = [...new Set(one.made.flatMap((socket) => socket.times))];
  assert.equal(one.stream.droppedFrames, 0);
  assert.deepEqual(
    times.map((time) => Math.round(time / FRAME_MS)).slice(0, 1800),
    Array.from({length: 1800}, (_, index) => index),
  );
  one.stream.close();
});

for (const seconds of [8, 25]) {
  test(`a line that says nothing for ${seconds} s, as in a lift, loses nothing`, () => {
    const one = begun();
    one.socket.attached();
    one.show(1);
    acknowledgeAll(one);
    one.show(seconds);
    // After 20 s it was given up, and another attach is tried.
    if (seconds > 20) one.socket.attached();
    acknowledgeAll(one);
    one.show(1);
    acknowledgeAll(one);
    const times = [...new Set(one.made.flatMap((socket) => socket.times))];
    assert.equal(one.stream.droppedFrames, 0);
    assert.ok(longestGap(times) < 1.5 * FRAME_MS, `${longestGap(times)}`);
    assert.equal(one.made.length, seconds > 20 ? 2 : 1);
    one.stream.close();
  });
}

test("a short silence costs no more than every fourth picture or so", () => {
  const one = begun();
  one.socket.attached();
  one.show(4);
  acknowledgeAll(one);
  one.show(1);
  acknowledgeAll(one);
  assert.ok(longestGap(one.socket.times) <= 150, `${longestGap(one.socket.times)}`);
  one.stream.close();
});

test("a batch may be large, and a healthy line loses nothing by it", () => {
  const one = begun({batchFrames: 90, batchMs: 10_000});
  one.socket.attached();
  for (let second = 0; second < 12; second += 1) {
    one.show(1);
    acknowledgeAll(one);
  }
  assert.deepEqual([one.stream.droppedFrames, one.socket.times.length], [0, 360]);
  one.stream.close();
});

test("away for longer, poses are thinned, so that memory has an end", () => {
  const one = begun();
  one.show(600);
  assert.ok(one.stream.droppedFrames >= 18_000 - 3_600);
  one.stream.close();
});

test("an attach that says that the session has ended is told, and nothing is retried", async () => {
  const states: string[] = [];
  const one = begun({onState: (state) => states.push(state)});
  one.socket.attached();
  one.socket.closed(1006);
  for (let tries = 0; tries < 200; tries += 1) {
    mock.timers.tick(3_000);
    one.socket.closed(1006);
  }
  mock.timers.tick(3_000);
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

test("waits grow to 3 s, and without an attach for an hour it gives up", async () => {
  const one = begun();
  const from = Date.now();
  const waits: number[] = [];
  while (one.stream.state !== "ended") {
    const [made, lost] = [one.made.length, Date.now()];
    one.socket.closed(1006);
    while (one.made.length === made && one.stream.state === "waiting") mock.timers.tick(10);
    waits.push(Date.now() - lost);
  }
  await assert.rejects(one.stream.ended, (error: KynaError) => {
    assert.deepEqual([error.name, error.code, error.retryable], ["KynaError", "unreachable", true]);
    return true;
  });
  const most = [100, 200, 400, 800, 1_600, 3_000, 3_000];
  for (const [index, ms] of most.entries()) {
    const wait = waits[index] ?? 0;
    assert.ok(wait >= ms / 2 && wait <= ms + 10, `${index}: ${wait}`);
  }
  const lasted = Date.now() - from;
  assert.ok(lasted > 3_590_000 && lasted <= 3_600_000, `${lasted}`);
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

test("where there is no WebSocket it says so, and listens to nothing", async (context) => {
  const page = Object.assign(new EventTarget(), {visibilityState: "visible"});
  Object.assign(globalThis, {document: page});
  context.after(() => Reflect.deleteProperty(globalThis, "document"));
  const removed = context.mock.method(page, "removeEventListener");
  class Refusing {
    constructor() {
      throw new SyntaxError("The URL is invalid.");
    }
  }
  const stream = createStream(SESSION, {WebSocket: Refusing as never});
  await assert.rejects(stream.ended, {code: "stream_unavailable", retryable: false});
  assert.equal(removed.mock.callCount(), 1);
});

for (const stream_url of [
  "api.example.com/stream",
  "/api/detection/stream",
  "localhost:8000/stream",
  "https://kyna.example/stream",
  "",
  undefined,
]) {
  test(`${stream_url} is no address of a stream, and nothing is attached`, async () => {
    const {WebSocket, made} = sockets();
    const session = {...SESSION, stream_url} as StreamSession;
    const stream = createStream(session, {WebSocket});
    assert.equal(stream.state, "ended");
    await assert.rejects(stream.ended, {code: "stream_unavailable", retryable: false});
    mock.timers.tick(60_000);
    assert.equal(made.length, 0);
  });
}

test("a page that closes it at a state gets no other", () => {
  const states: string[] = [];
  const one = begun({
    onState: (state) => {
      states.push(state);
      if (state === "attached" && one.stream.attaches === 2) one.stream.close();
    },
  });
  one.socket.attached();
  one.show(0.5);
  one.socket.closed(1006);
  mock.timers.tick(100);
  one.socket.attached();
  mock.timers.tick(60_000);
  assert.deepEqual(states, ["attached", "waiting", "attached", "ended"]);
  assert.equal(one.made.length, 2);
});

test("a page that closes it because poses are left out does not wait for room", async () => {
  const one = begun({onDropped: () => one.stream.close()});
  one.show(130);
  assert.equal(one.stream.state, "ended");
  await one.stream.ready;
});

test("in front again, or with a network again, it asks whether the line answers", (context) => {
  const page = new EventTarget();
  Object.assign(globalThis, {window: page});
  context.after(() => Reflect.deleteProperty(globalThis, "window"));
  const one = begun();
  one.socket.attached();
  page.dispatchEvent(new Event("online"));
  assert.deepEqual(
    one.socket.sent.map(({type}) => type),
    ["ping"],
  );
  one.socket.say({type: "pong"});
  mock.timers.tick(4_000);
  assert.equal(one.made.length, 1);
  page.dispatchEvent(new Event("online"));
  mock.timers.tick(3_000);
  mock.timers.tick(100);
  assert.equal(one.made.length, 2);
  one.stream.close();
});

test("an idle client's ping is to be answered", () => {
  const one = begun();
  one.socket.attached();
  mock.timers.tick(30_000);
  mock.timers.tick(20_000);
  mock.timers.tick(100);
  assert.equal(one.made.length, 2);
  one.stream.close();
});

test("what is no server of the protocol ends it", async () => {
  const one = begun();
  one.socket.onmessage?.({data: "<html>"} as never);
  await assert.rejects(one.stream.ended, {code: "unexpected_answer", retryable: false});
  assert.equal(one.made.length, 1);
});

/** A page with a window and a network, both of the test. */
function pageOf(context: TestContext) {
  const window = new EventTarget();
  const own = Object.getOwnPropertyDescriptor(globalThis, "navigator");
  const navigator = {onLine: true};
  Object.defineProperty(globalThis, "navigator", {value: navigator, configurable: true});
  Object.assign(globalThis, {window});
  context.after(() => {
    Reflect.deleteProperty(globalThis, "window");
    Reflect.deleteProperty(globalThis, "navigator");
    if (own) Object.defineProperty(globalThis, "navigator", own);
  });
  return (state: "online" | "offline") => {
    navigator.onLine = state === "online";
    window.dispatchEvent(new Event(state));
  };
}

test("it is offline at once, and attached again once the server is heard", (context) => {
  const go = pageOf(context);
  const states: string[] = [];
  const one = begun({onState: (state) => states.push(state)});
  one.socket.attached();
  go("offline");
  assert.deepEqual(states, ["attached", "offline"]);
  one.socket.closed(1006);
  assert.equal(one.stream.state, "offline", "the reason why no attach succeeds");
  go("online");
  assert.equal(one.stream.state, "waiting");
  one.socket.attached();
  assert.deepEqual(states, ["attached", "offline", "waiting", "attached"]);
  one.stream.close();
});

test("a server that answers is no reason to be offline, such as one of this machine", (context) => {
  const go = pageOf(context);
  const one = begun();
  one.socket.attached();
  go("offline");
  one.show(0.5);
  assert.equal(one.stream.state, "offline");
  one.socket.acknowledge();
  assert.equal(one.stream.state, "attached");
  go("offline");
  go("online");
  assert.equal(one.stream.state, "waiting", "nobody knows yet");
  one.socket.say({type: "pong"});
  assert.equal(one.stream.state, "attached");
  one.stream.close();
});

test("it waits once no batch was acknowledged for 3 s, until the next ack", () => {
  const states: string[] = [];
  const one = begun({onState: (state) => states.push(state)});
  one.socket.attached();
  mock.timers.tick(10_000);
  one.show(1);
  mock.timers.tick(2_000);
  one.acknowledgeOldest();
  mock.timers.tick(2_999);
  assert.deepEqual(states, ["attached"], "since the last ack");
  mock.timers.tick(1);
  one.socket.say({type: "ping"});
  one.socket.say({type: "event_batch", batch_seq: 2, events: []});
  assert.deepEqual(states, ["attached", "waiting"]);
  one.socket.acknowledge();
  mock.timers.tick(10_000);
  assert.deepEqual(states, ["attached", "waiting", "attached"]);
  one.stream.close();
});

test("a ping while it attaches is answered, and is no attach", () => {
  const one = begun({giveUpMs: 30_000});
  for (const _ of [1, 2]) {
    one.socket.say({type: "ping"});
    assert.deepEqual(one.socket.sent, [{type: "pong"}]);
    assert.equal(one.stream.state === "attached", false);
    mock.timers.tick(14_000);
    one.socket.closed(1012);
    mock.timers.tick(200);
  }
  mock.timers.tick(14_000);
  one.socket.closed(1012);
  assert.equal(one.stream.state, "ended", "no attach within giveUpMs");
});

test("a stream that is closed by its own callback stays ended", () => {
  const states: string[] = [];
  const one = begun({
    onEvent: () => one.stream.close(),
    onState: (state) => states.push(state),
  });
  one.socket.attached();
  const event = {event_id: "e", ts_ms: 0, type: "shape_enter", payload: {}};
  one.socket.say({type: "event_batch", batch_seq: 1, events: [event]});
  assert.deepEqual(states, ["attached", "ended"]);
});
