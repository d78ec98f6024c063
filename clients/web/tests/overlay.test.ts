import assert from "node:assert/strict";
import {test} from "node:test";
import {type Pose, pictureBox, standing} from "../src/index.js";

const WIDE = {width: 1280, height: 720};
const SQUARE = {width: 600, height: 600};

test("a picture that is contained has bars, one that covers goes beyond its box", () => {
  assert.deepEqual(pictureBox(SQUARE, WIDE, "contain"), {
    x: 0,
    y: 131.25,
    width: 600,
    height: 337.5,
  });
  const covering = pictureBox(SQUARE, WIDE, "cover");
  assert.deepEqual(covering, {x: (600 - 3200 / 3) / 2, y: 0, width: 3200 / 3, height: 600});
  assert.deepEqual(pictureBox(SQUARE, WIDE, "fill"), {x: 0, y: 0, ...SQUARE});
});

test("a picture that has no size yet has that of its box", () => {
  assert.deepEqual(pictureBox(SQUARE, {width: 0, height: 0}, "contain"), {x: 0, y: 0, ...SQUARE});
});

function posed(...heights: number[]): Pose {
  return heights.map((y) => ({x: 0.6, y, z: 0, visibility: 0.9}));
}

test("world landmarks stand on the floor of the canvas, of one scale however they are bent", () => {
  const canvas = {width: 480, height: 240}; // 100 pixels a metre
  const upright = standing(posed(-0.6, 0, 0.9), canvas);
  const bent = standing(posed(-0.5, 0, 0.4), canvas);
  const pixels = (pose: Pose) => pose.map(({x, y}) => [x * 480, y * 240].map(Math.round));
  assert.deepEqual(pixels(upright), [
    [300, 76],
    [300, 136],
    [300, 226],
  ]);
  assert.deepEqual(pixels(bent), [
    [300, 136],
    [300, 186],
    [300, 226],
  ]);
  assert.equal(upright[0]?.visibility, 0.9);
});
