import assert from "node:assert/strict";
import test from "node:test";
import {textColorOn} from "../src/page_color.js";

test("text on a colour is black or white, as it can be read", () => {
  assert.deepEqual(["#000000", "#7a1fa2", "#0000ff"].map(textColorOn), Array(3).fill("#ffffff"));
  assert.deepEqual(["#ffffff", "#ffd166", "#00c853"].map(textColorOn), Array(3).fill("#000000"));
});
