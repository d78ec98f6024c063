import type {Pose} from "./pose.js";

/** A picture in which a landmarker looks for a person. */
export type Picture = HTMLVideoElement | HTMLCanvasElement | HTMLImageElement;

/** Who was found in a picture. */
export interface Found {
  /** In metres from the middle of the hips. */
  readonly world: Pose;
  /** As shares of the picture's width and height. */
  readonly image: Pose;
}

/** Finds a person in a picture. */
export interface Landmarker {
  /** `timestampMs` grows from picture to picture. */
  detect(picture: Picture, timestampMs: number): Promise<Found | null>;
  close(): void;
}
