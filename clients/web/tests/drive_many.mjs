// Many sessions at once, each with the poses of a figure as a camera shows them. It prints how many
// hundredths of all poses are acknowledged, and at last how each session went.

import {readFileSync} from "node:fs";
import {setTimeout as pause} from "node:timers/promises";
import WebSocket from "ws";
import {createStream} from "../dist/index.js";

const FRAME_MS = 12;
const {runs, figures} = JSON.parse(readFileSync(process.argv[2], "utf8"));
const total = runs.reduce((sum, {figure}) => sum + figures[figure].length, 0);
const streams = [];
let told = 0;

function tellProgress() {
  const acknowledged = streams.reduce((sum, stream) => sum + stream.acceptedFrames, 0);
  for (; told < Math.floor((100 * acknowledged) / total); told += 1) console.log(told + 1);
}

async function run({session, figure}) {
  const events = [];
  const rejected = [];
  const stream = createStream(session, {
    WebSocket,
    onEvent: (event) => events.push(event),
    onRejected: (reason, frames) => rejected.push([reason, frames]),
  });
  streams.push(stream);
  for (const [timestampMs, points] of figures[figure]) {
    const landmarks = points.map(([x, y, z, visibility]) => ({x, y, z, visibility}));
    stream.add({timestampMs, landmarks});
    await pause(FRAME_MS * (0.5 + Math.random()));
  }
  const end = await stream.finalize();
  return {end, events, rejected, attaches: stream.attaches, dropped: stream.droppedFrames};
}

const progress = setInterval(tellProgress, 20);
const went = await Promise.all(runs.map(run));
clearInterval(progress);
tellProgress();
console.log(JSON.stringify(went));
