import assert from "node:assert/strict";
import test from "node:test";
import type {Landmark, Moment} from "@kynaplatform/web";
import {AngleMeter} from "../src/angles.js";
import type {Angle} from "../src/page_data.js";
import {ENGINE} from "./engine.js";

const KNEE: Angle = {
  measure: "knee",
  label: "knee",
  landmarks: [
    [23, 25, 27],
    [24, 26, 28],
  ],
  bands: [],
};

/** Hips at the origin, thighs straight down, and shanks at the knees by these degrees. */
function legs(left: number, right: number, ms = 0, visibilityOfRight = 1): Moment {
  const landmarks: Landmark[] = Array.from({length: 33}, () => ({x: 0, y: 0, z: 0}));
  for (const [side, degrees] of [left, right].entries()) {
    const radians = (degrees * Math.PI) / 180;
    const visibility = side === 0 ? 1 : visibilityOfRight;
    const ankle = {x: 0.4 * Math.sin(radians), y: 0.4 - 0.4 * Math.cos(radians), z: 0};
    landmarks[25 + side] = {x: 0, y: 0.4, z: 0, visibility};
    landmarks[27 + side] = {...ankle, visibility};
  }
  return {timestampMs: ms, landmarks};
}

function near(actual: number | null, expected: number): void {
  assert.ok(actual !== null && Math.abs(actual - expected) < 1e-5, `${actual} is not ${expected}`);
}

test("an angle is that of the joint, in degrees", () => {
  for (const degrees of [180, 90, 30]) {
    near(new AngleMeter(KNEE, ENGINE).feed(legs(degrees, degrees)), degrees);
  }
});

test("the sides count alike where they are seen alike", () => {
  near(new AngleMeter(KNEE, ENGINE).feed(legs(100, 120)), 110);
});

test("a side that is hidden does not count", () => {
  near(new AngleMeter(KNEE, ENGINE).feed(legs(100, 120, 0, 0.4)), 100);
});

test("its constants are those of the engine", () => {
  const meter = new AngleMeter(KNEE, {...ENGINE, min_visibility: 0.3});
  near(meter.feed(legs(100, 120, 0, 0.4)), 100 + (20 * 0.16) / 1.16);
});

test("it is a mean over recent frames, with 80 ms", () => {
  const meter = new AngleMeter(KNEE, ENGINE);
  meter.feed(legs(100, 100));
  near(meter.feed(legs(110, 110, 40)), 100 + 10 / 3);
});

test("nobody has no angle, and who comes back after two seconds is measured anew", () => {
  const meter = new AngleMeter(KNEE, ENGINE);
  meter.feed(legs(100, 100));
  assert.equal(meter.feed({timestampMs: 1_000, landmarks: null}), null);
  near(meter.feed(legs(170, 170, 2_000)), 170);
});

test("a jump counts once the next frame confirms it", () => {
  const meter = new AngleMeter(KNEE, ENGINE);
  meter.feed(legs(100, 100));
  near(meter.feed(legs(160, 160, 40)), 100);
  const confirmed = meter.feed(legs(160, 160, 80));
  assert.ok(confirmed !== null && confirmed > 120);
  // Nor does what was confirmed confirm another jump.
  near(meter.feed(legs(100, 100, 120)), confirmed);
});

test("a lean is against the vertical, of both sides or of the trunk between them", () => {
  const landmarks: Landmark[] = Array.from({length: 33}, () => ({x: 0, y: 0, z: 0}));
  const lean = (index: number, degrees: number, visibility = 1) => {
    const radians = (degrees * Math.PI) / 180;
    landmarks[index] = {
      x: 0.5 * Math.sin(radians),
      y: -0.5 * Math.cos(radians),
      z: 0,
      visibility,
    };
  };
  lean(11, 40);
  lean(12, 40);
  const pairs = [
    [23, 11],
    [24, 12],
  ] as const;
  const moment = {timestampMs: 0, landmarks};
  for (const measure of ["trunk", "flank"]) {
    near(
      new AngleMeter({measure, label: "", landmarks: pairs, bands: []}, ENGINE).feed(moment),
      40,
    );
  }
  lean(12, 80, 0.1);
  near(
    new AngleMeter({measure: "trunk", label: "", landmarks: pairs, bands: []}, ENGINE).feed(moment),
    40,
  );
});
