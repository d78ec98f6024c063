// The package for a test's own scripts, and a camera that keeps what it tells.

import * as kyna from "@kynaplatform/web";

const video = document.getElementById("video");
const overlay = document.getElementById("overlay");

/** A landmarker that finds nobody, at once. */
const nobody = {detect: async () => null, close() {}};

/** A camera; `until(condition)` waits for what makes the condition true. */
function watched(options) {
  const kept = {moments: [], states: [], errors: []};
  const waiting = new Set();
  const changed = () => waiting.forEach((look) => look());
  const camera = kyna.createCamera({
    video,
    overlay,
    onMoment: (moment) => {
      kept.moments.push(moment);
      changed();
    },
    onState: (state, error) => {
      kept.states.push(state);
      if (error) kept.errors.push({code: error.code, message: error.message});
      changed();
    },
    ...options,
  });
  const until = (condition) =>
    new Promise((resolve) => {
      const look = () => {
        if (!condition(kept)) return;
        waiting.delete(look);
        resolve();
      };
      waiting.add(look);
      look();
    });
  return {camera, kept, until};
}

/** What start() rejects with, or null. */
const refusal = (camera) =>
  camera.start().then(
    () => null,
    ({name, code, message, retryable}) => ({name, code, message, retryable}),
  );

/** Every track that getUserMedia has given. */
const tracks = [];
if (navigator.mediaDevices) {
  const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  navigator.mediaDevices.getUserMedia = async (constraints) => {
    const media = await ask(constraints);
    tracks.push(...media.getTracks());
    return media;
  };
}

Object.assign(globalThis, {kyna, video, overlay, nobody, watched, refusal, tracks});
