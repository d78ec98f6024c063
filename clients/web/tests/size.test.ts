import assert from "node:assert/strict";
import {test} from "node:test";
import {gzipSync} from "node:zlib";
import {build} from "esbuild";

const MOST_BYTES = 12_000;

test("without the camera it is under 12 kB, as a page downloads it", async () => {
  const {outputFiles} = await build({
    stdin: {
      contents: 'export {createClient, createStream, KynaError} from "./build/src/index.js";',
      resolveDir: ".",
    },
    bundle: true,
    format: "esm",
    minify: true,
    write: false,
  });
  const bytes = gzipSync(outputFiles[0]?.contents ?? "").byteLength;
  console.log(`${bytes} bytes`);
  assert.ok(bytes > 1_000 && bytes < MOST_BYTES, `${bytes}`);
});
