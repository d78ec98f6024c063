import assert from "node:assert/strict";
import {beforeEach, mock, type TestContext, test} from "node:test";
import {createStream, type KynaError} from "../src/index.js";
import {type FakeSocket, sockets} from "./fake_socket.js";

const SESSION = {stream_url: "ws://kyna.invalid/stream", runtime_token: "a.b.c"};
const POSE = Array.from({length: 33}, () => ({x: 0.5, y: 0.5, z: 0}));
const NONE_TAKEN = "The platform takes none of the frames:";

beforeEach(() => {
  mock.timers.reset();
  mock.timers.enable({apis: ["setTimeout", "Date"]});
});

/** A stream of one pose a batch, what it warns of, and its errors. */
function begun(context: TestContext) {
  const warned: string[] = [];
  context.mock.method(console, "warn", (text: string) => warned.push(text));
  const errors: KynaError[] = [];
  const {WebSocket, made} = sockets();
  const stream = createStream(SESSION, {
    WebSocket,
    batchFrames: 1,
    onError: (error) => errors.push(error),
  });
  context.after(() => stream.close());
  const socket = made[0] as FakeSocket;
  socket.attached();
  let ms = 0;
  let taken = 0;
  return {
    stream,
    warned,
    errors,
    socket,
    /** A second of a frame, which is rejected for this reason, or taken. */
    second(reason: string | null): void {
      const sent = socket.sent.length;
      stream.add({timestampMs: ms, landmarks: POSE});
      ms += 1_000;
      mock.timers.tick(1_000);
      if (reason !== null) socket.reject(reason, sent);
      else {
        const batch_seq = socket.sent[sent]?.batch_seq;
        taken += 1;
        socket.say({type: "frame_ack", batch_seq, accepted_frames_total: taken});
      }
    },
  };
}

test("frames that are all rejected are warned of once, and after five seconds an error", (context) => {
  const one = begun(context);
  for (let second = 0; second < 5; second += 1) one.second("image_landmarks");
  assert.deepEqual(one.warned, [
    `${NONE_TAKEN} image_landmarks (1). Give world landmarks, in metres from the middle of the hips.`,
  ]);
  assert.deepEqual(one.errors, []);
  for (let second = 0; second < 5; second += 1) one.second("malformed_frame");
  assert.equal(one.warned.length, 1);
  assert.deepEqual(
    one.errors.map(({name, code, message, retryable, details}) => [
      [name, code, retryable, details],
      message,
    ]),
    [
      [
        ["KynaError", "frames_rejected", false, {image_landmarks: 5, malformed_frame: 1}],
        `${NONE_TAKEN} image_landmarks (5). Give world landmarks, in metres from the middle of the hips. malformed_frame (1). Give a finite timestampMs.`,
      ],
    ],
  );
  assert.equal(one.stream.state, "attached");
});

test("a frame that is taken now and then is enough, and after it time begins anew", (context) => {
  const one = begun(context);
  for (let second = 0; second < 20; second += 1) {
    one.second(second % 5 === 0 ? null : "too_many_frames");
  }
  assert.deepEqual([one.errors.length, one.warned.length], [0, 1]);
  for (let second = 0; second < 12; second += 1) one.second("image_landmarks");
  one.second(null);
  for (let second = 0; second < 6; second += 1) one.second("timestamp_not_increasing");
  assert.deepEqual(
    one.errors.map(({details}) => details),
    [{too_many_frames: 4, image_landmarks: 2}, {timestamp_not_increasing: 6}],
  );
});

for (const reason of ["frame_seq_not_increasing", "session_ending"]) {
  test(`what is rejected as ${reason} is no fault of the page`, (context) => {
    const one = begun(context);
    for (let second = 0; second < 12; second += 1) one.second(reason);
    assert.deepEqual([one.errors, one.warned], [[], []]);
  });
}

test("a pose that can't be packed is not sent, and warned of", (context) => {
  const {stream, socket, warned} = begun(context);
  const broken = POSE.map((point, index) => (index === 32 ? {...point, z: Number.NaN} : point));
  stream.add({timestampMs: 0, landmarks: broken});
  stream.add({timestampMs: 10, landmarks: POSE.slice(1)});
  stream.add({timestampMs: Number.NaN, landmarks: POSE});
  assert.deepEqual(socket.times, []);
  assert.match(warned[0] ?? "", /invalid_landmarks \(1\)\. Give 33 landmarks/);
  stream.add({timestampMs: 20, landmarks: POSE});
  assert.deepEqual(socket.times, [20]);
});
