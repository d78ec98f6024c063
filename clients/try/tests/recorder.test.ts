import assert from "node:assert/strict";
import test from "node:test";
import type {Moment, Pose} from "@kynaplatform/web";
import {MAX_RECORDED_MS, pack, recorded} from "../src/recorder.js";
import {momentsOf, readRecording} from "../src/recording.js";

function pose(x: number): Pose {
  return Array.from({length: 33}, () => ({x, y: -0.5, z: 0, visibility: 0.9}));
}

/** The x of each frame of what is packed, null without a pose; and its rate. */
async function reread(moments: readonly Moment[]) {
  const {fps, frames, exercise} = await readRecording(await pack("squat", moments));
  assert.equal(exercise, "squat");
  return {fps, frames: frames.map((frame) => frame?.[0]?.x ?? null)};
}

test("evenly spaced moments are packed as they are, at any rate", async () => {
  for (const fps of [0.5, 25, 29.97, 30, 240]) {
    const frames = Array.from({length: 100}, (_, at) => (at % 7 ? pose(at / 100) : null));
    const recording = {exercise: "squat", count: null, fps, frames};
    const again = await readRecording(await pack("squat", momentsOf(recording)));
    assert.equal(again.fps, fps);
    assert.deepEqual(again.frames, frames);
  }
});

test("a camera's moments come to frames at their median rate, each the nearest", async () => {
  const times = [1_000, 1_035, 1_060, 1_100, 1_140, 1_200, 1_240];
  const moments = times.map((timestampMs, at) => ({timestampMs, landmarks: pose(at)}));
  assert.deepEqual(await reread(moments), {fps: 25, frames: [0, 1, 2, 3, 4, 5, 6]});
});

test("a pause is frames without a pose", async () => {
  const moments = [0, 100, 200, 1_200, 1_300].map((timestampMs) => ({
    timestampMs,
    landmarks: pose(0),
  }));
  const nobody = Array.from({length: 5}, () => null);
  const {frames} = await reread(moments);
  assert.deepEqual(frames, [0, 0, 0, 0, 0, ...nobody, 0, 0, 0, 0]);
});

test("one moment is a recording, and a landmark may have no visibility", async () => {
  const landmarks = pose(0.123456).map(({x, y, z}) => ({x, y, z, visibility: null}));
  const {frames} = await readRecording(await pack("squat", [{timestampMs: 5, landmarks}]));
  assert.deepEqual(frames[0]?.[0], {x: 0.12346, y: -0.5, z: 0, visibility: null});
  assert.equal(frames.length, 1);
});

test("the source goes on after its first ten minutes, which are kept", async () => {
  const given = [0, MAX_RECORDED_MS, MAX_RECORDED_MS + 1].map((ms) => ({
    timestampMs: 7 + ms,
    landmarks: null,
  }));
  const source = {
    speed: 1,
    isCamera: false,
    load: async () => {},
    async play(take: (moment: Moment) => Promise<void>) {
      for (const moment of given) await take(moment);
    },
  };
  const kept: Moment[] = [];
  const taken: Moment[] = [];
  await recorded(source, kept).play(async (moment) => void taken.push(moment));
  assert.deepEqual(taken, given);
  assert.deepEqual(kept, given.slice(0, 2));
});
