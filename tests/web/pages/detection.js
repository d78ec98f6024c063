// A component that shows what the hook gives, under StrictMode; a test renders it as it likes.

import {useDetection} from "@kynaplatform/web/react";
import {createElement, StrictMode, useEffect, useRef} from "react";
import {createRoot} from "react-dom/client";
import {recordTracks, waiting} from "./shared/waiting.js";

const {until: untilTrue, look} = waiting();
const kept = {states: [], detection: null};

function Counter({session, hasCamera}) {
  const video = useRef(null);
  const overlay = useRef(null);
  const camera = {video, overlay, files: "/pose/", model: "lite"};
  const detection = useDetection({session, camera: hasCamera ? camera : undefined});
  useEffect(() => {
    kept.detection = detection;
    if (kept.states.at(-1) !== detection.state) kept.states.push(detection.state);
    look();
  });
  return createElement(
    "div",
    null,
    createElement("video", {ref: video, width: 320, height: 240}),
    createElement("canvas", {ref: overlay, width: 320, height: 240}),
    createElement("output", null, detection.repetitions),
  );
}

/** Render it with these properties, or nothing. */
const root = createRoot(document.getElementById("root"));
const render = (properties) =>
  root.render(createElement(StrictMode, null, properties && createElement(Counter, properties)));

/** Waits for a render, a track, or what a socket tells, that makes the condition true. */
const until = (condition) => untilTrue(() => kept.detection && condition(kept.detection));

/** Add a recording's frames, which are `[milliseconds, landmarks]`. */
async function perform(frames) {
  for (const [timestampMs, points] of frames) {
    const landmarks = points.map(([x, y, z, visibility]) => ({x, y, z, visibility}));
    await kept.detection.add({timestampMs, landmarks});
  }
}

/** Every websocket that was opened, what they told, and every track that a camera gave. */
const sockets = [];
const told = [];
globalThis.WebSocket = class extends WebSocket {
  constructor(...given) {
    super(...given);
    sockets.push(this);
    this.addEventListener("close", look);
    this.addEventListener("message", ({data}) => {
      told.push(JSON.parse(data).type);
      look();
    });
  }
};
const tracks = recordTracks(look);

Object.assign(globalThis, {kept, render, until, perform, sockets, told, tracks});
