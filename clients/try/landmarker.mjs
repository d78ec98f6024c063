// The landmarker's files, which a camera needs, where Django finds them.

import {chmod, copyFile, mkdir, rm} from "node:fs/promises";
import {dirname, join} from "node:path";
import {fileURLToPath} from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const built = join(here, "../../tryout/static/tryout/built");
const landmarker = dirname(fileURLToPath(import.meta.resolve("@mediapipe/pose/package.json")));
// The heavy model is too slow for a page, and as large as all of these.
const FILES = [
  "pose.js",
  "pose_landmark_full.tflite",
  "pose_landmark_lite.tflite",
  "pose_solution_packed_assets.data",
  "pose_solution_packed_assets_loader.js",
  "pose_solution_simd_wasm_bin.js",
  "pose_solution_simd_wasm_bin.wasm",
  "pose_solution_wasm_bin.js",
  "pose_solution_wasm_bin.wasm",
  "pose_web.binarypb",
];

await rm(built, {recursive: true, force: true});
await mkdir(join(built, "pose"), {recursive: true});
for (const name of FILES) {
  await copyFile(join(landmarker, name), join(built, "pose", name));
  await chmod(join(built, "pose", name), 0o644); // some are for their owner alone
}
