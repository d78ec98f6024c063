import assert from "node:assert/strict";
import test from "node:test";
import type {Landmark, Pose} from "@kynaplatform/web";
import {Placement} from "../src/figure.js";

const PICTURE = {width: 400, height: 300};

/** Hips at the origin, feet this far below, and hands this far above. */
function body(feet: number, hands: number): Pose {
  const pose: Landmark[] = Array.from({length: 33}, () => ({x: 0, y: 0, z: 0}));
  pose[0] = {x: 0, y: -0.6, z: 0};
  for (const ankle of [27, 28]) pose[ankle] = {x: 0.1, y: feet, z: 0};
  for (const wrist of [15, 16]) pose[wrist] = {x: -0.1, y: -hands, z: 0};
  return pose;
}

function placed(frames: readonly Pose[], index: number): Landmark[] {
  const placement = new Placement({frames});
  return frames.map((pose) => placement.place(pose, PICTURE)[index] as Landmark);
}

function assertSame([one, other]: Landmark[]): void {
  assert.ok(one && other && Math.hypot(one.x - other.x, one.y - other.y) < 1e-9);
}

test("the feet stay where they are while somebody squats", () => {
  assertSame(placed([body(0.9, 0), body(0.5, 0)], 27));
});

test("the hands stay where they are while somebody hangs", () => {
  assertSame(placed([body(0.9, 1), body(0.9, 0.7)], 15));
});

test("all of it is in the picture, as large as it can be", () => {
  const frames = [body(0.9, 0), body(0.5, 0)];
  const placement = new Placement({frames});
  const points = frames.flatMap((pose) => placement.place(pose, PICTURE));
  const ys = points.map(({y}) => y);
  assert.ok(Math.abs(Math.min(...ys) - 0.12) < 1e-9);
  assert.ok(Math.abs(Math.max(...ys) - 0.88) < 1e-9);
  assert.ok(points.every(({x}) => x > 0.12 && x < 0.88));
});
