import assert from "node:assert/strict";
import test from "node:test";
import type {CheckResult, DetectionEvent} from "@kynaplatform/web";
import {attemptChecksText, checksText, sharesOf} from "../src/checks.js";
import {checksOf, partsText} from "../src/measured.js";
import {Run} from "../src/run.js";
import {attemptsText, lastText} from "../src/score_board.js";
import {ENGINE} from "./engine.js";
import {SQUAT} from "./movements.js";

const check = (name: string, met: boolean | null, by: number | null = null): CheckResult => ({
  name,
  met,
  by,
  value: met === null ? null : 90,
});
const TIMES = {began_ms: 100, reached_ms: 1_200, left_ms: 1_400, ended_ms: null};
const REPETITION = {
  duration_ms: 1_600,
  steps: [],
  measures: {},
  form: 0.5,
  held_ms: null,
  checks: [check("depth", true), check("chest_up", false, 6.2)],
  times: TIMES,
  out_ms: 1_100,
  stay_ms: 200,
  back_ms: null,
};

const COUNTED = {
  completed: 1,
  attempts: {},
  by_side: null,
  measures: {},
  longest_ms: null,
  total_ms: null,
};

let number = 0;
function event(type: string, ts_ms: number, payload: object): DetectionEvent {
  number += 1;
  return {event_id: `${number}`, session_id: "1", ts_ms, type, payload} as DetectionEvent;
}

function squats(): Run {
  const run = new Run(SQUAT, ENGINE);
  run.take(event("event_completed", 2_000, {event_key: "squat", metrics: REPETITION}));
  const path = "detection.movement.checks[0]";
  const checks = [check("depth", false, 5), check("chest_up", true)];
  const metrics = {checks, previous: {ended_ms: 2_400, back_ms: 1_000}};
  run.take(event("event_interrupted", 4_000, {reason: "poor_form", path, by: 5, metrics}));
  return run;
}

test("checks are told by what was met, missed and by how much, and not seen", () => {
  assert.equal(checksText(REPETITION.checks), "Met: depth. Missed: chest up by 6°.");
  assert.equal(
    checksText([check("depth", null), check("feet", false, 0.2)]),
    "Missed: feet by 1°. Not seen: depth.",
  );
  assert.equal(checksText([check("tempo.out", false, 640)]), "Missed: tempo out by 0.6\u00a0s.");
  assert.equal(checksText([]), "");
  assert.equal(checksText(undefined), "");
});

test("an attempt tells the check of its reason once, and none that was not reached", () => {
  const {attempts} = squats();
  assert.deepEqual(
    attempts.map((one) => attemptChecksText(one, SQUAT)),
    ["Met: chest up."],
  );
  const metrics = {checks: [check("depth", null)]};
  const early = {ms: 0, side: null, reason: "not_reached", metrics};
  assert.equal(attemptChecksText(early, SQUAT), "");
});

test("the score board tells the checks of the last repetition and attempt", () => {
  const run = squats();
  assert.equal(lastText(run), "Last: 1.6\u00a0s. Met: depth. Missed: chest up by 6°.");
  assert.equal(attemptsText(run), "1 not counted: form: depth missed by 5°. Met: chest up.");
});

test("each check's share is the server's", () => {
  const run = squats();
  assert.deepEqual(sharesOf(run), []);
  run.counted = {
    ...COUNTED,
    checks: {depth: {met: 1, missed: 2}, chest_up: {met: 0, missed: 0}},
  };
  assert.deepEqual(sharesOf(run), [
    ["depth", "1 of 3"],
    ["chest up", "not seen"],
  ]);
});

test("the check of a way back stands with its repetition", () => {
  const run = new Run(SQUAT, ENGINE);
  const checks = [check("depth", true), check("tempo.back", null)];
  run.take(event("event_completed", 2_000, {metrics: {...REPETITION, checks}}));
  const [repetition] = run.repetitions;
  assert.ok(repetition);
  assert.equal(checksText(checksOf(repetition, run)), "Met: depth. Not seen: tempo back.");
  const previous = {ended_ms: 2_400, back_ms: 1_000, checks: [check("tempo.back", false, 500)]};
  run.take(event("event_interrupted", 4_000, {reason: "pose_lost", metrics: {previous}}));
  const told = "Met: depth. Missed: tempo back by 0.5\u00a0s.";
  assert.equal(checksText(checksOf(repetition, run)), told);
});

test("a way back stands with its repetition, told with what came next or at the end", () => {
  const run = squats();
  const tempo = () => run.repetitions.map((one) => partsText(one, run));
  const out = "Tempo: out 1.1\u00a0s, stay 0.2\u00a0s";
  assert.deepEqual(tempo(), [`${out}, back 1.0\u00a0s.`]);
  const times = {...TIMES, left_ms: 5_400};
  run.take(event("event_completed", 6_000, {event_key: "squat", metrics: {...REPETITION, times}}));
  assert.equal(tempo()[1], `${out}.`);
  const last = {times: {...times, ended_ms: 6_600}, out_ms: 1_100, stay_ms: 200, back_ms: 1_200};
  run.counted = {...COUNTED, times: {mean: last, last}};
  assert.deepEqual(tempo(), [`${out}, back 1.0\u00a0s.`, `${out}, back 1.2\u00a0s.`]);
});
