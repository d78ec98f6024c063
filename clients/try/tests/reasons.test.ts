import assert from "node:assert/strict";
import test from "node:test";
import {reasonText} from "../src/reasons.js";
import {Run} from "../src/run.js";
import {attemptsText, lastText} from "../src/score_board.js";
import {ENGINE} from "./engine.js";
import {PLANK, SQUAT} from "./movements.js";

const PATH = "detection.movement";

test("a reason is told in plain words, with what was missed and by how much", () => {
  const path = `${PATH}.phases[1].criteria[0]`;
  for (const [attempt, text] of [
    [{reason: "not_reached", path, by: 12.4}, "“bottom” missed by 12°"],
    [{reason: "not_reached", path, by: 0.2}, "“bottom” not reached"],
    [{reason: "not_reached"}, "not far enough"],
    [
      {reason: "not_reached", path: `${PATH}.sequence[1]`, by: 180},
      "not held long enough, by 0.2\u00a0s",
    ],
    [{reason: "poor_form", path: `${PATH}.checks[0]`, by: 5}, "form: depth missed by 5°"],
    [{reason: "poor_form", path: `${PATH}.checks[0]`, by: null}, "form: depth not seen"],
    [
      {reason: "poor_form", path: `${PATH}.tempo.out`, by: 1200},
      "form: tempo.out missed, by 1.2\u00a0s",
    ],
    [
      {reason: "condition", path: `${PATH}.throughout[0]`, by: 8},
      "broken off: lean of the trunk off by 8°",
    ],
    [{reason: "condition", path: `${PATH}.throughout[7]`, by: 8}, "broken off"],
    [{reason: "of_a_newer_server"}, "of a newer server"],
  ] as const) {
    assert.equal(reasonText(attempt, SQUAT), text);
  }
  const early = {reason: "not_reached", path: null, by: 8_000};
  assert.equal(reasonText(early, PLANK), "let go 8.0\u00a0s early");
});

test("beside the number stand what did not count, and the longest hold", () => {
  const run = new Run(SQUAT, ENGINE);
  assert.deepEqual([attemptsText(run), lastText(run)], ["", ""]);
  run.attempts.push({ms: 0, reason: "pose_lost", side: null});
  run.attempts.push({ms: 1, reason: "too_slow", side: "left"});
  assert.equal(attemptsText(run), "2 not counted: left, too slow");
  const held = new Run(PLANK, ENGINE);
  held.hold({eventKey: "plank", heldMs: 9_400, side: null});
  assert.equal(lastText(held), "");
  held.hold(null);
  assert.equal(lastText(held), "Longest: 9.4\u00a0s");
});
