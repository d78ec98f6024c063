import assert from "node:assert/strict";
import test from "node:test";
import {shareOf, targetOf, targetText, underNumber} from "../src/target.js";

const reached = (repetitions: number, lastMs = 0) => ({
  lastMs,
  repetitions: Array.from({length: repetitions}),
});

test("a target is a number of repetitions, or of seconds", () => {
  assert.deepEqual(targetOf("10"), {kind: "repetitions", amount: 10});
  assert.deepEqual(targetOf("30s"), {kind: "seconds", amount: 30});
  for (const text of [null, "", "0", "-1", "1000", "ten", "1.5", "30 s", "s"]) {
    assert.equal(targetOf(text), null, `${text}`);
  }
});

test("it is reached by repetitions or by time", () => {
  const [ten, half] = [targetOf("10"), targetOf("30s")];
  assert.ok(ten && half);
  assert.equal(shareOf(ten, reached(5, 99_000)), 0.5);
  assert.equal(shareOf(ten, reached(12)), 1);
  assert.equal(shareOf(half, reached(50, 15_000)), 0.5);
  assert.equal(shareOf(half, reached(0, 30_000)), 1);
  assert.equal(targetText(ten), "10 repetitions");
  assert.equal(targetText(half), "As many as you can in 30 seconds");
});

test("below the number stands what is left", () => {
  assert.equal(underNumber(null, reached(1)), "repetition");
  assert.equal(underNumber(null, reached(2)), "repetitions");
  assert.equal(underNumber(targetOf("10"), reached(2)), "of 10");
  assert.equal(underNumber(targetOf("30s"), reached(2, 12_500)), "0:17 left");
  assert.equal(underNumber(targetOf("30s"), reached(2, 31_000)), "0:00 left");
});
