import assert from "node:assert/strict";
import test from "node:test";
import {Coach} from "../src/coach.js";
import {type Target, targetOf} from "../src/target.js";

const DEEP = {ms: 0, level: "success", message: "Good depth."};
const CHEST = {ms: 0, level: "coaching", message: "Keep your chest up."};

function praise(target: Target | null, numbers: number): (string | null)[] {
  const coach = new Coach(target);
  return Array.from({length: numbers}, (_, index) => coach.complete(index + 1));
}

test("without a target there is praise at each fifth, and silence between", () => {
  assert.deepEqual(praise(null, 10), [
    null,
    null,
    null,
    null,
    "5. Keep it up.",
    null,
    null,
    null,
    null,
    "10. Well done.",
  ]);
});

test("of a target the half, the last but one and the end are told", () => {
  assert.deepEqual(praise(targetOf("8"), 9), [
    null,
    null,
    null,
    "4. Halfway.",
    "5. Keep it up.",
    null,
    "One more.",
    "8. Done!",
    null,
  ]);
});

test("a time is no number of repetitions", () => {
  assert.deepEqual(praise(targetOf("2s"), 3), [null, null, null]);
});

test("praise that each repetition earns is told once", () => {
  const coach = new Coach(null);
  const told = [];
  for (let number = 1; number <= 3; number += 1) {
    told.push(coach.isNews(DEEP));
    coach.complete(number);
  }
  assert.deepEqual(told, [true, false, false]);
});

test("praise is news again after a repetition that did not earn it", () => {
  const coach = new Coach(null);
  assert.equal(coach.isNews(DEEP), true);
  coach.complete(1);
  coach.complete(2);
  assert.equal(coach.isNews(DEEP), true);
});

test("a correction is told each time, and worth more than praise", () => {
  const coach = new Coach(targetOf("6"));
  for (let number = 1; number < 6; number += 1) {
    assert.equal(coach.isNews(CHEST), true);
    assert.equal(coach.complete(number), null);
  }
  coach.isNews(CHEST);
  assert.equal(coach.complete(6), "6. Done!");
});

test("of a hold the half is told, once in each", () => {
  const coach = new Coach(null);
  const told = [4_000, 15_000, 16_000, 30_000, 31_000, 0, 15_500].map((heldMs) =>
    coach.hold(heldMs, 30_000),
  );
  assert.deepEqual(told, [null, "Halfway.", null, null, null, null, "Halfway."]);
});
