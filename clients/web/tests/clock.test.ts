import assert from "node:assert/strict";
import {test} from "node:test";
import {MediaClock} from "../src/clock.js";

const ORIGIN = performance.timeOrigin;

function near(told: readonly number[], expected: readonly number[]): void {
  const differences = told.map((ms, index) => Math.abs(ms - ORIGIN - (expected[index] ?? 0)));
  assert.ok(told.length === expected.length && Math.max(...differences) < 0.01, `${differences}`);
}

test("the first picture's time of day counts, and then the media's own clock", () => {
  const clock = new MediaClock();
  const told = [clock.at(5000, 0.1), clock.at(5050, 0.133), clock.at(5060, 0.166)];
  near(told, [5000, 5033, 5066]);
});

test("where no picture comes, time goes on from the last one", () => {
  const clock = new MediaClock();
  const told = [
    clock.at(5000, 0.1),
    clock.at(5050, 0.133),
    clock.silent(7150),
    clock.at(8050, 3.1),
  ];
  near(told, [5000, 5033, 7133, 8000]);
});

test("where the media's clock stood still or was set back, the time of day counts", () => {
  const clock = new MediaClock();
  const told = [
    clock.at(5000, 0.1),
    clock.silent(7100),
    clock.at(8000, 0.133),
    clock.at(8040, 0.166),
  ];
  near(told, [5000, 7100, 8000, 8033]);
  near([clock.at(9000, 0), clock.at(9033, 0.033)], [9000, 9033]);
});

test("times grow, also where the media's clock was ahead of the day when it was set back", () => {
  const clock = new MediaClock();
  const told = [clock.at(5000, 0), clock.at(5010, 0.1), clock.at(5020, 0), clock.at(5053, 0.033)];
  near(told, [5000, 5100, 5101, 5102]);
});
