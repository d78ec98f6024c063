import type {Engine} from "../src/page_data.js";

/** As an engine may be set. */
export const ENGINE: Engine = {
  depth_weight: 0.15,
  min_visibility: 0.5,
  smoothing_ms: 80,
  max_weight_m2: 0.1,
  min_weight_m2: 1e-4,
  min_segment_m: 0.08,
  max_segment_m: 100,
  lengthen_ms: 200,
  shorten_ms: 60_000,
  depth_ms: 200,
  seen_share: 0.5,
  fresh_ms: 250,
  jump_degrees: 25,
  jump_degrees_per_ms: 0.4,
  pose_lost_ms: 2_000,
};
