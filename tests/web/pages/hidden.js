// A camera in a page that no test drives: so Chromium hides it as it hides any other.

import {createCamera} from "@kynaplatform/web";

const tell = (told) => fetch("/told", {method: "POST", body: JSON.stringify(told)});
let pictures = 0;
let last = null;
let wait = 3;
const camera = createCamera({
  video: document.getElementById("video"),
  // Each picture shows somebody, so that a moment of nobody is none of a picture.
  landmarker: {detect: async () => ({world: [], image: []}), close() {}},
  onMoment: ({timestampMs, landmarks}) => {
    pictures += 1;
    const now = performance.timeOrigin + performance.now();
    const moment = {timestampMs, now, isNobody: landmarks === null, last};
    last = timestampMs;
    if (moment.isNobody) wait = pictures + 1; // and the one after it
    if (moment.isNobody || pictures === wait) tell(moment);
  },
});
document.addEventListener("visibilitychange", () => tell(document.visibilityState));
camera.start();
