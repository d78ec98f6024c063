import assert from "node:assert/strict";
import {beforeEach, mock, test} from "node:test";
import {createStream, type StreamOptions} from "../src/index.js";
import {type FakeSocket, sockets} from "./fake_socket.js";

const SESSION = {stream_url: "ws://kyna.invalid/stream", runtime_token: "a.b.c"};
const POSE = Array.from({length: 33}, () => ({x: 0, y: 0, z: 0}));
const READY = {state: "ready", missing: []};
const STEP_BACK = {state: "positioning", missing: ["left_heel", "view"]};
const SUMMARY = {
  plank: {
    completed: 1,
    attempts: {not_reached: 1},
    by_side: null,
    measures: {"joint.hip": {best: null, mean: 171.5}},
    longest_ms: 31_000,
    total_ms: 43_000,
  },
};

beforeEach(() => {
  mock.timers.reset();
  mock.timers.enable({apis: ["setTimeout", "Date"]});
});

/** A stream, and what it has told, in order. */
function begun(options: StreamOptions = {}) {
  const told: unknown[] = [];
  const {WebSocket, made} = sockets();
  const stream = createStream(SESSION, {
    WebSocket,
    batchFrames: 1,
    onReadiness: (readiness) => told.push(readiness),
    onHold: (hold) => told.push(hold),
    onAttempt: (attempt) => told.push(attempt),
    onEvent: ({type}) => told.push(type),
    ...options,
  });
  const socket = () => made.at(-1) as FakeSocket;
  let timestampMs = 0;
  return {
    stream,
    told,
    socket,
    /** Send a frame, whose ack tells `more`. */
    show(more: object = {}): void {
      timestampMs += 40;
      stream.add({timestampMs, landmarks: POSE});
      socket().acknowledge(socket().sent.length - 1, more);
    },
    say(type: string, ts_ms: number, payload: object): void {
      const event = {event_id: `${ts_ms}`, session_id: "s", ts_ms, type, payload};
      socket().say({type: "event_batch", batch_seq: 1, events: [event]});
    },
  };
}

test("readiness is told once for each change, from the attach on", () => {
  const one = begun();
  assert.equal(one.stream.readiness, null);
  one.socket().attached({readiness: {state: "no_person", missing: []}});
  for (const readiness of [STEP_BACK, STEP_BACK, {...STEP_BACK, missing: ["view"]}, READY, READY]) {
    one.show({readiness});
  }
  assert.deepEqual(one.told, [
    {state: "no_person", missing: []},
    STEP_BACK,
    {state: "positioning", missing: ["view"]},
    READY,
  ]);
  assert.deepEqual(one.stream.readiness, READY);
  one.socket().closed(1006);
  mock.timers.tick(1_000);
  one.socket().attached({readiness: READY});
  assert.equal(one.told.length, 4);
  one.stream.close();
});

test("a hold is told as it goes on, and null once it is over", () => {
  const one = begun();
  one.socket().attached();
  one.show({hold: {event_key: "plank", held_ms: 0}});
  one.show({hold: {event_key: "plank", held_ms: 400}});
  one.show({hold: {event_key: "plank", held_ms: 800, side: "left"}});
  assert.deepEqual(one.stream.hold, {eventKey: "plank", heldMs: 800, side: "left"});
  one.show({hold: {event_key: "plank", held_ms: 0}});
  one.show();
  assert.deepEqual(one.told, [
    {eventKey: "plank", heldMs: 400, side: null},
    {eventKey: "plank", heldMs: 800, side: "left"},
    null,
  ]);
  one.show({hold: {event_key: "plank", held_ms: 40}});
  one.stream.close();
  assert.deepEqual([one.told.length, one.told.at(-1), one.stream.hold], [5, null, null]);
});

test("an attempt is told with its reason, by how much, and whether it is late", () => {
  const one = begun();
  one.socket().attached();
  const path = "detection.movement.phases[1].criteria[0]";
  const payload = {reason: "not_reached", number: 3, side: "left", path, by: 12.5};
  one.say("event_interrupted", 20, payload);
  one.say("event_completed", 40, {event_key: "squat", score: 1});
  one.stream.add({timestampMs: 9_000, landmarks: null});
  one.say("event_interrupted", 60, {reason: "pose_lost"});
  assert.deepEqual(one.told, [
    "event_interrupted",
    {timestampMs: 20, ...payload, isLate: false},
    "event_completed",
    "event_interrupted",
    {
      timestampMs: 60,
      reason: "pose_lost",
      number: null,
      side: null,
      path: null,
      by: null,
      isLate: true,
    },
  ]);
  one.stream.close();
});

test("what the server left out is counted, and the end has its summary", async () => {
  const one = begun();
  one.socket().attached({events_thinned: 2});
  assert.equal(one.stream.thinnedEvents, 2);
  one.show({events_thinned: 5});
  assert.equal(one.stream.thinnedEvents, 5);
  const end = one.stream.finalize();
  one.socket().say({type: "session_done", status: "completed", summary: SUMMARY});
  assert.deepEqual((await end).summary, SUMMARY);
});

test("a server that tells none of it is as before", async () => {
  const one = begun();
  one.socket().attached();
  one.show();
  one.say("event_interrupted", 20, {reason: "out_of_order"});
  const end = one.stream.finalize();
  one.socket().say({type: "session_done", status: "completed"});
  assert.equal((await end).summary, null);
  assert.deepEqual(one.told.slice(0, 1), ["event_interrupted"]);
  assert.equal(one.told.length, 2);
  assert.deepEqual(
    [one.stream.readiness, one.stream.hold, one.stream.thinnedEvents],
    [null, null, 0],
  );
});
