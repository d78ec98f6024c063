// The package for a test's own scripts, and a camera that keeps what it tells.

import * as kyna from "@kynaplatform/web";
import {recordTracks, waiting} from "./shared/waiting.js";

const video = document.getElementById("video");
const overlay = document.getElementById("overlay");

/** A landmarker that finds nobody, at once. */
const nobody = {detect: async () => null, close() {}};

/** A camera; `until(condition)` waits for what makes the condition of all that it told true. */
function watched(options) {
  const kept = {moments: [], states: [], errors: []};
  const {until, look} = waiting();
  const camera = kyna.createCamera({
    video,
    overlay,
    onMoment: (moment) => {
      kept.moments.push(moment);
      look();
    },
    onState: (state, error) => {
      kept.states.push(state);
      if (error) kept.errors.push({code: error.code, message: error.message});
      look();
    },
    ...options,
  });
  return {camera, kept, until: (condition) => until(() => condition(kept))};
}

/** What start() rejects with, or null. */
const refusal = (camera) =>
  camera.start().then(
    () => null,
    ({name, code, message, retryable}) => ({name, code, message, retryable}),
  );

const tracks = recordTracks();

Object.assign(globalThis, {kyna, video, overlay, nobody, watched, refusal, tracks});
