import type {Movement} from "../src/page_data.js";

export const SQUAT: Movement = {
  slug: "squat",
  name: "Squat",
  summary: "",
  experimental: "",
  event_key: "squat",
  place: {text: ""},
  figure: "",
  phases: ["standing", "bottom"],
  hold_ms: null,
  setup: {view: "side"},
  labels: {
    "detection.movement.phases[1].criteria[0]": "knee",
    "detection.movement.throughout[0]": "lean of the trunk",
    "detection.movement.checks[0]": "depth",
    "detection.movement.tempo.out": "tempo.out",
  },
  parameters: [],
  languages: [],
  angle: {
    measure: "knee",
    label: "knee",
    landmarks: [
      [23, 25, 27],
      [24, 26, 28],
    ],
    bands: [
      {phase: "standing", min: 150, max: 180},
      {phase: "bottom", min: 0, max: 110},
    ],
  },
};

export const PLANK: Movement = {
  ...SQUAT,
  slug: "plank",
  name: "Plank",
  event_key: "plank",
  phases: ["plank"],
  hold_ms: 30_000,
  angle: {
    ...SQUAT.angle,
    measure: "hip",
    label: "hip",
    bands: [{phase: "plank", min: 150, max: 180}],
  },
};
