// The pages' scripts, which are committed: without Node they run all the same, but for a camera.
// `node script.mjs FOLDER` writes them elsewhere, to be compared.

import {dirname, join} from "node:path";
import {argv} from "node:process";
import {fileURLToPath} from "node:url";
import {build} from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const {metafile} = await build({
  absWorkingDir: here,
  entryPoints: {try: "src/main.ts", session: "src/session_page.ts"},
  outdir: argv[2] ?? join(here, "../../tryout/static/tryout"),
  // The package's source, which needs no build before this one.
  alias: {"@kynaplatform/web": join(here, "../web/src/index.ts")},
  bundle: true,
  format: "esm",
  target: "es2022",
  minify: true,
  metafile: true,
});
// All of it is ours. What others wrote would need the notice of its licence beside it.
const foreign = Object.keys(metafile.inputs).filter((path) => path.includes("node_modules"));
if (foreign.length > 0) throw new Error(`The script has code of others: ${foreign.join(", ")}`);
