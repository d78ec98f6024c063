import assert from "node:assert/strict";
import {readFileSync} from "node:fs";
import {test} from "node:test";
import {gzipSync} from "node:zlib";
import {build} from "esbuild";

test("without the camera it is as large as the README says, as a page downloads it", async () => {
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
  const [, told] = /takes (\d+) kB of a page/.exec(readFileSync("README.md", "utf8")) ?? [];
  assert.ok(bytes > 1_000 * (Number(told) - 1) && bytes <= 1_000 * Number(told), `${bytes}`);
});
