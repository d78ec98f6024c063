import assert from "node:assert/strict";
import {beforeEach, mock, test} from "node:test";
import {createStream, type StreamEvent, type StreamOptions} from "../src/index.js";
import {type FakeSocket, sockets} from "./fake_socket.js";

const SESSION = {stream_url: "ws://kyna.invalid/stream", runtime_token: "a.b.c"};
const POSE = Array.from({length: 33}, () => ({x: 0, y: 0, z: 0}));

beforeEach(() => {
  mock.timers.reset();
  mock.timers.enable({apis: ["setTimeout", "Date"]});
});

function begun(options: StreamOptions = {}) {
  const events: StreamEvent[] = [];
  const {WebSocket, made} = sockets();
  const stream = createStream(SESSION, {
    WebSocket,
    onEvent: (event) => events.push(event),
    ...options,
  });
  let number = 0;
  return {
    stream,
    events,
    socket: () => made.at(-1) as FakeSocket,
    /** What is said of a time. */
    say(ts_ms: number): void {
      number += 1;
      const cue = {type: "feedback", payload: {level: "info", message: `${ts_ms}`}};
      const event = {event_id: `${number}`, session_id: "s", ts_ms, ...cue};
      this.socket().say({type: "event_batch", batch_seq: 1, events: [event]});
    },
    get late(): [number, boolean][] {
      return events.map(({ts_ms, isLate}) => [ts_ms, isLate]);
    },
  };
}

test("an event is late once its time lies over 3 s behind the newest moment", async () => {
  const one = begun();
  one.socket().attached();
  one.say(400);
  one.stream.add({timestampMs: 4_000, landmarks: POSE});
  one.say(1_000);
  one.say(999);
  one.stream.add({timestampMs: 6_000, landmarks: null});
  one.say(2_999);
  one.say(3_000);
  const told: [number, boolean][] = [
    [400, false],
    [1_000, false],
    [999, true],
    [2_999, true],
    [3_000, false],
  ];
  assert.deepEqual(one.late, told);
  one.stream.close();
  const read: [number, boolean][] = [];
  await assert.rejects(async () => {
    for await (const {ts_ms, isLate} of one.stream) read.push([ts_ms, isLate]);
  });
  assert.deepEqual(read, told);
});

test("what comes in a burst after an outage is late but for its end", () => {
  const one = begun();
  one.socket().attached();
  const add = (fromMs: number, toMs: number) => {
    for (let ms = fromMs; ms < toMs; ms += 100) {
      one.stream.add({timestampMs: ms, landmarks: POSE});
      mock.timers.tick(100);
    }
  };
  add(0, 1_000);
  one.socket().closed(1006);
  add(1_000, 21_000);
  one.socket().attached();
  for (let ms = 2_500; ms < 21_000; ms += 2_500) one.say(ms);
  assert.deepEqual(
    one.late.filter(([, isLate]) => !isLate),
    [[20_000, false]],
  );
  add(21_000, 22_000);
  one.say(21_700);
  assert.deepEqual(one.late.at(-1), [21_700, false]);
  one.stream.close();
});

test("how late is late may be said, as for a recording that is played faster", () => {
  const one = begun({lateMs: 24_000});
  one.socket().attached();
  one.stream.add({timestampMs: 30_000, landmarks: POSE});
  one.say(6_000);
  one.say(5_999);
  assert.deepEqual(one.late, [
    [6_000, false],
    [5_999, true],
  ]);
  one.stream.close();
});

test("a moment without a time makes nothing late, and hides nothing that is", () => {
  const one = begun();
  one.socket().attached();
  one.stream.add({timestampMs: 9_000, landmarks: POSE});
  one.stream.add({timestampMs: Number.NaN, landmarks: POSE});
  one.stream.add({timestampMs: 100, landmarks: POSE});
  one.say(5_000);
  one.say(8_000);
  assert.deepEqual(one.late, [
    [5_000, true],
    [8_000, false],
  ]);
  one.stream.close();
});
