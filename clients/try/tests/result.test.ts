import assert from "node:assert/strict";
import test from "node:test";
import type {DetectionEvent, Pose} from "@kynaplatform/web";
import {eventLines, scriptOf} from "../src/app_code.js";
import {repetitionText} from "../src/measured.js";
import {cuesOf, factsOf, headingOf, resultOf, shareText} from "../src/result.js";
import {Run} from "../src/run.js";
import {targetOf} from "../src/target.js";
import {ENGINE} from "./engine.js";
import {PLANK, SQUAT} from "./movements.js";

/** Knees at this angle. */
function bent(degrees: number): Pose {
  const radians = (degrees * Math.PI) / 180;
  const pose = Array.from({length: 33}, () => ({x: 0, y: 0, z: 0}));
  for (const side of [0, 1]) {
    pose[25 + side] = {x: 0, y: 0.4, z: 0};
    pose[27 + side] = {x: 0.4 * Math.sin(radians), y: 0.4 - 0.4 * Math.cos(radians), z: 0};
  }
  return pose;
}

let number = 0;
function event(type: string, ts_ms: number, payload: object): DetectionEvent {
  number += 1;
  return {event_id: `${number}`, session_id: "1", ts_ms, type, payload} as DetectionEvent;
}

/** Two squats of 2 s each, the second deeper. */
function squats(target: string | null = null): Run {
  const run = new Run(SQUAT, ENGINE, targetOf(target));
  for (let ms = 0; ms <= 4_500; ms += 50) {
    const depth = ms < 2_000 ? 80 : 100;
    run.add({
      timestampMs: ms,
      landmarks: bent(180 - depth * Math.sin((Math.PI * ms) / 2_000) ** 2),
    });
  }
  run.take(event("feedback", 1_000, {level: "success", message: "Good depth."}));
  run.take(event("event_completed", 2_000, {event_key: "squat", score: 1}));
  run.take(event("feedback", 2_900, {level: "coaching", message: "Keep your chest up."}));
  run.take(event("feedback", 3_000, {level: "success", message: "Good depth."}));
  run.take(event("event_completed", 4_000, {event_key: "squat", score: 1}));
  return run;
}

test("a result has the farthest angle of each repetition, and of the run", () => {
  const result = resultOf(squats(), 2);
  assert.deepEqual(
    result.depths.map((degrees) => degrees && Math.round(degrees / 5) * 5),
    [100, 85], // smoothed
  );
  assert.equal(headingOf(result), "Squat: 2 repetitions");
  const [time, pace, depth, ...more] = factsOf(result);
  assert.deepEqual(
    [time, pace],
    [
      ["Time", "0:04"],
      ["Each took", "2.0\u00a0s"],
    ],
  );
  assert.equal(depth?.[0], "Smallest knee angle");
  assert.match(depth?.[1] ?? "", /^8\d°$/);
  assert.deepEqual(more, []);
});

test("the pose of the picture is the farthest of what was counted", () => {
  const run = squats();
  assert.ok(run.farthest && run.farthest.ms > 2_800 && run.farthest.ms < 3_200);
});

test("the server's count is the one that is told", () => {
  const run = new Run(SQUAT, ENGINE);
  assert.equal(headingOf(resultOf(run, 1)), "Squat: 1 repetition");
  assert.deepEqual(factsOf(resultOf(run, null)), [["Time", "0:00"]]);
});

test("what the server says of a repetition counts more than what the page has measured", () => {
  const run = new Run(SQUAT, ENGINE);
  for (const [ms, least] of [
    [2_000, 91.4],
    [4_000, 78.2],
  ] as const) {
    const measures = {"joint.knee": {least, most: 177.9}, "lean.trunk": {least: 0, most: 9}};
    const metrics = {duration_ms: ms / 2, steps: [], measures, form: null, held_ms: null};
    run.take(event("event_completed", ms, {event_key: "squat", score: 1, metrics}));
  }
  const result = resultOf(run, 2);
  assert.deepEqual(result.depths, [91.4, 78.2]);
  assert.deepEqual(factsOf(result).slice(1), [
    ["Each took", "1.5\u00a0s"],
    ["Smallest knee angle", "78°"],
  ]);
  assert.deepEqual(
    run.repetitions.map((one) => repetitionText(one, SQUAT)),
    ["91–178°, 1.0\u00a0s", "78–178°, 2.0\u00a0s"],
  );
});

test("the pose of a hold is one that was held, however late its progress comes", () => {
  const run = new Run(PLANK, ENGINE);
  for (let ms = 0; ms <= 17_000; ms += 100) {
    run.add({timestampMs: ms, landmarks: bent(ms < 5_000 || ms > 15_000 ? 90 : 175)});
  }
  run.take(event("shape_enter", 5_000, {shape_key: "plank", confidence: 1}));
  run.hold({eventKey: "plank", heldMs: 10_000, side: null});
  assert.equal(run.farthest?.ms, 14_000);
  run.hold(null);
  assert.equal(run.farthest?.ms, 14_000);
});

test("a hold's result is the seconds of the longest, as the server has them", () => {
  const run = new Run(PLANK, ENGINE);
  for (const heldMs of [12_000, 31_500, 0, 4_000]) {
    run.hold({eventKey: "plank", heldMs, side: null});
  }
  run.hold(null);
  assert.equal(run.heldMs, 0);
  assert.equal(headingOf(resultOf(run, 1)), "Plank: 31 seconds");
  const result = resultOf(run, 1, 32_100);
  assert.equal(headingOf(result), "Plank: 32 seconds");
  assert.deepEqual(factsOf(result).slice(1), [["Target reached", "1 time"]]);
  assert.deepEqual(factsOf(resultOf(run, 0)).slice(1), [["Target", "30.0\u00a0s"]]);
  assert.equal(shareText(result), "Plank: I held 32 seconds. And you?");
});

test("cues are told by how often they came", () => {
  assert.deepEqual(cuesOf(squats()), [
    ["Good depth.", 2],
    ["Keep your chest up.", 1],
  ]);
});

test("a friend is told the number, and the time that was set", () => {
  assert.equal(shareText(resultOf(squats(), 2)), "Squat: I did 2. And you?");
  assert.equal(shareText(resultOf(squats("30s"), 2)), "Squat: I did 2 in 30 seconds. And you?");
});

test("an app gets the events as they came, and is told by its own name", () => {
  const run = squats();
  const lines = eventLines(run).trim().split("\n");
  assert.deepEqual(
    lines.map((line) => JSON.parse(line)),
    run.events,
  );
  assert.equal(lines.length, 5);
  assert.match(scriptOf(run), /"squat"/);
});
