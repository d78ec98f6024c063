import assert from "node:assert/strict";
import test from "node:test";
import type {DetectionEvent} from "@kynaplatform/web";
import {Run} from "../src/run.js";
import {ENGINE} from "./engine.js";
import {SQUAT} from "./movements.js";

let number = 0;
function event(type: string, ts_ms: number, payload: object): DetectionEvent {
  number += 1;
  return {event_id: `${number}`, session_id: "1", ts_ms, type, payload} as DetectionEvent;
}

test("what was counted and said has the times of the run", () => {
  const run = new Run(SQUAT, ENGINE);
  run.add({timestampMs: 10_000, landmarks: null});
  run.add({timestampMs: 14_000, landmarks: null});
  for (const one of [
    event("shape_enter", 10_500, {shape_key: "bottom", confidence: 1}),
    event("feedback", 10_600, {level: "success", message: "Good depth."}),
    event("shape_exit", 11_000, {shape_key: "bottom", confidence: 0}),
    event("shape_enter", 11_500, {shape_key: "standing", confidence: 1}),
    event("event_completed", 11_500, {event_key: "squat", score: 0.9}),
    event("event_interrupted", 13_000, {reason: "pose_lost", number: 2, side: "left"}),
  ]) {
    assert.equal(run.take(one), true);
  }
  assert.equal(run.lastMs, 4_000);
  assert.deepEqual(run.repetitions, [{ms: 1_500, side: null, metrics: null}]);
  assert.deepEqual(run.attempts, [{ms: 3_000, reason: "pose_lost", number: 2, side: "left"}]);
  assert.deepEqual(run.cues, [{ms: 600, level: "success", message: "Good depth."}]);
  assert.deepEqual(run.stays, [
    {phase: "bottom", startMs: 500, endMs: 1_000},
    {phase: "standing", startMs: 1_500, endMs: null},
  ]);
});

test("an event that comes again counts once", () => {
  const run = new Run(SQUAT, ENGINE);
  run.add({timestampMs: 0, landmarks: null});
  const repetition = event("event_completed", 500, {event_key: "squat", score: null});
  assert.equal(run.take(repetition), true);
  assert.equal(run.take(repetition), false);
  assert.deepEqual(run.repetitions, [{ms: 500, side: null, metrics: null}]);
});
