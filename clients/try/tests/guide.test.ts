import assert from "node:assert/strict";
import test from "node:test";
import {Guide} from "../src/guide.js";
import {neededText} from "../src/readiness.js";
import {SQUAT} from "./movements.js";

const needed = (missing: string[], view = "side") =>
  neededText({state: "positioning", missing}, {...SQUAT, setup: {view}});

test("what is missing is told in plain words, one thing at a time", () => {
  for (const [missing, text] of [
    [["left_ankle", "right_heel"], "Step back until I see your feet."],
    [["left_wrist", "view"], "Step back until I see your hands."],
    [["left_foot_index", "nose"], "Step back until I see your head and feet."],
    [["left_ear", "left_wrist", "left_ankle"], "Step back until I see all of you."],
    [["view", "start"], "Turn sideways to the camera."],
    [["start"], "Get into the starting position."],
    [[], "Stay like this."],
  ] as [string[], string][]) {
    assert.equal(needed(missing), text);
  }
  assert.equal(needed(["view"], "front"), "Face the camera.");
});

test("nothing is asked of who is ready, and of nobody", () => {
  for (const state of ["ready", "no_person"] as const) {
    assert.equal(neededText({state, missing: ["left_heel"]}, SQUAT), null);
  }
});

test("it is said once, not too often, and so is that it counts", () => {
  const guide = new Guide(SQUAT);
  const take = (missing: string[], ms: number) => guide.take({state: "positioning", missing}, ms);
  const feet = "Step back until I see your feet.";
  const turn = "Turn sideways to the camera.";
  assert.deepEqual(take(["left_heel"], 0), {shown: feet, said: feet});
  assert.deepEqual(take(["left_heel"], 9_000), {shown: feet, said: null});
  assert.deepEqual(take(["view"], 9_000), {shown: turn, said: turn});
  assert.deepEqual(take(["left_heel"], 9_500), {shown: feet, said: null});
  assert.deepEqual(take(["left_heel"], 11_500), {shown: feet, said: feet});
  const ready = {state: "ready", missing: []} as const;
  assert.deepEqual(guide.take(ready, 12_000), {shown: null, said: "Ready. Go!"});
  assert.deepEqual(guide.take(ready, 13_000), {shown: null, said: null});
});

test("of a movement that asks for nothing, nothing is said", () => {
  const guide = new Guide(SQUAT);
  for (const state of ["no_person", "ready"] as const) {
    assert.deepEqual(guide.take({state, missing: []}, 0), {shown: null, said: null});
  }
});
