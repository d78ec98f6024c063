import assert from "node:assert/strict";
import test from "node:test";
import {gzipSync} from "node:zlib";
import {momentsOf, readRecording} from "../src/recording.js";

const POSE = Array.from({length: 33}, (_, index) => [index / 100, -0.5, 0, 0.9]);
const SOUND = {exercise: "squat", count: 1, rep_frames: null, fps: 25, source: "", frames: [POSE]};

function packed(document: unknown): Blob {
  return new Blob([gzipSync(JSON.stringify(document))]);
}

test("a browser that can't unpack says so, and not that the file is no recording", async () => {
  const there = globalThis.DecompressionStream;
  Reflect.deleteProperty(globalThis, "DecompressionStream");
  try {
    await assert.rejects(readRecording(packed(SOUND)), {code: "cannot_unpack"});
  } finally {
    globalThis.DecompressionStream = there;
  }
});

test("a recording's frames are poses at their times, or nobody", async () => {
  const recording = await readRecording(packed({...SOUND, frames: [POSE, null, POSE]}));
  assert.equal(recording.exercise, "squat");
  assert.equal(recording.count, 1);
  const moments = momentsOf(recording);
  assert.deepEqual(
    moments.map(({timestampMs}) => timestampMs),
    [0, 40, 80],
  );
  assert.equal(moments[1]?.landmarks, null);
  assert.deepEqual(moments[2]?.landmarks?.[2], {x: 0.02, y: -0.5, z: 0, visibility: 0.9});
});

test("a visibility may be left out or null", async () => {
  const pose = POSE.map(([x, y, z], index) => (index % 2 ? [x, y, z] : [x, y, z, null]));
  const {frames} = await readRecording(packed({...SOUND, count: null, frames: [pose]}));
  assert.deepEqual(frames[0]?.slice(0, 2), [
    {x: 0, y: -0.5, z: 0, visibility: null},
    {x: 0.01, y: -0.5, z: 0, visibility: null},
  ]);
});

function frameWith(landmark: unknown) {
  return {...SOUND, frames: [null, [...POSE.slice(0, 25), landmark, ...POSE.slice(26)]]};
}

const KNEE = "in its frame 1 the left_knee is no [x, y, z, visibility]";
const FAULTS: [string, unknown, string][] = [
  ["a list", [], "its fps is not a number from 0.1 to 1000"],
  ["null", null, "it is not a JSON object"],
  ["a negative count", {...SOUND, count: -1}, "its count is no number of repetitions"],
  ["a part of a repetition", {...SOUND, count: 0.5}, "its count is no number of repetitions"],
  ["too few frames a second", {...SOUND, fps: 0.05}, "its fps is not a number from 0.1 to 1000"],
  ["no frames", {...SOUND, frames: undefined}, "it has no list of frames"],
  ["nobody", {...SOUND, frames: [null]}, "it has no frame with a pose"],
  [
    "32 landmarks",
    {...SOUND, frames: [POSE.slice(1)]},
    "its frame 0 is neither null nor 33 landmarks",
  ],
  ["two coordinates", frameWith([0, 0]), KNEE],
  ["a text", frameWith("0,0,0"), KNEE],
  ["a far coordinate", frameWith([0, 0, 1_001]), KNEE],
  ["a visibility above 1", frameWith([0, 0, 0, 1.1]), KNEE],
];

for (const [name, document, why] of FAULTS) {
  test(`${name} is refused, with the reason`, async () => {
    await assert.rejects(readRecording(packed(document)), {
      name: "KynaError",
      code: "recording_invalid",
      message: `This file is no recording: ${why}.`,
    });
  });
}

test("what is not gzip or not JSON is refused", async () => {
  const cut = gzipSync(JSON.stringify(SOUND)).subarray(0, 60);
  for (const bytes of ["no gzip", gzipSync("no JSON"), cut]) {
    await assert.rejects(readRecording(new Blob([bytes])), {
      message: "This file is no recording: it is not JSON packed by gzip.",
    });
  }
});
