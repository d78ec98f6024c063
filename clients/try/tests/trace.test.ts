import assert from "node:assert/strict";
import test from "node:test";
import {type Area, linesOf, ticksOf, xOf, yOf} from "../src/trace.js";

const AREA: Area = {fromMs: 1_000, toMs: 3_000, left: 10, right: 110, top: 20, bottom: 200};

function at(ms: number, degrees: number | null) {
  return {ms, degrees};
}

test("time goes from left to right, and degrees from the bottom to the top", () => {
  assert.deepEqual([xOf(AREA, 1_000), xOf(AREA, 2_000), xOf(AREA, 3_000)], [10, 60, 110]);
  assert.deepEqual([yOf(AREA, 0), yOf(AREA, 45), yOf(AREA, 180)], [200, 155, 20]);
});

test("a line has what is within the time", () => {
  const points = [at(900, 90), at(1_000, 0), at(1_200, 90), at(1_400, 180), at(3_100, 90)];
  assert.deepEqual(linesOf(points, AREA), [
    [
      [10, 200],
      [20, 110],
      [30, 20],
    ],
  ]);
});

test("a line is broken where the angle is not known", () => {
  const points = [at(1_000, 0), at(1_200, 0), at(1_400, null), at(1_600, 0), at(2_200, 0)];
  assert.deepEqual(linesOf(points, AREA), [
    [
      [10, 200],
      [20, 200],
    ],
    [[40, 200]],
    [[70, 200]],
  ]);
});

test("however long the trace, a column keeps its first, extreme and last points, in order", () => {
  const degrees = [90, 10, 100, 170, 80, 91];
  const points = degrees.map((value, index) => at(1_000 + index, value));
  const [line] = linesOf([...points, at(1_100, 0)], AREA);
  assert.deepEqual(
    line?.map(([, y]) => Math.round(200 - y)),
    [90, 10, 170, 91, 0],
  );
  const hour = Array.from({length: 108_000}, (_, index) => at(index * 33.3, index % 180));
  const [whole] = linesOf(hour, {...AREA, fromMs: 0, toMs: 3_600_000});
  assert.ok((whole?.length ?? 0) <= 4 * 101);
});

test("a trace that is not known has no line", () => {
  assert.deepEqual(linesOf([at(1_000, null), at(1_100, null)], AREA), []);
});

test("few times are written, at whole seconds", () => {
  assert.deepEqual(ticksOf(AREA, 5), [1_000, 2_000, 3_000]);
  assert.deepEqual(ticksOf({...AREA, fromMs: 500, toMs: 12_500}, 4), [5_000, 10_000]);
  assert.deepEqual(
    ticksOf({...AREA, fromMs: 0, toMs: 3_600_000}, 4),
    [0, 1_200_000, 2_400_000, 3_600_000],
  );
});
