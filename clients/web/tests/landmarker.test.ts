import assert from "node:assert/strict";
import {test} from "node:test";
import {KynaError, type Picture, tasksVision} from "../src/index.js";

const PICTURE = {} as Picture;
const WORLD = [{x: 0.1, y: 0.2, z: 0.3, visibility: 0.9}];
const IMAGE = [{x: 0.5, y: 0.6, z: 0.7, visibility: 0.9}];

function adapted(result: () => {landmarks: (typeof IMAGE)[]; worldLandmarks: (typeof WORLD)[]}) {
  const asked: unknown[] = [];
  const landmarker = tasksVision({
    detectForVideo(picture, timestampMs) {
      asked.push([picture, timestampMs]);
      return result();
    },
    close: () => asked.push("close"),
  });
  return {asked, landmarker};
}

test("what Tasks Vision finds first is who is found", async () => {
  const {asked, landmarker} = adapted(() => ({
    landmarks: [IMAGE, []],
    worldLandmarks: [WORLD, []],
  }));
  assert.deepEqual(await landmarker.detect(PICTURE, 40), {world: WORLD, image: IMAGE});
  landmarker.close();
  assert.deepEqual(asked, [[PICTURE, 40], "close"]);
});

test("where Tasks Vision finds nobody, nobody is found", async () => {
  const {landmarker} = adapted(() => ({landmarks: [], worldLandmarks: []}));
  assert.equal(await landmarker.detect(PICTURE, 40), null);
});

test("a failure of Tasks Vision is one of the landmarker", async () => {
  const cause = new Error("timestamps must grow");
  const {landmarker} = adapted(() => {
    throw cause;
  });
  await assert.rejects(landmarker.detect(PICTURE, 40), (error) => {
    assert.ok(error instanceof KynaError);
    assert.deepEqual([error.code, error.cause], ["landmarker_failed", cause]);
    return true;
  });
});
