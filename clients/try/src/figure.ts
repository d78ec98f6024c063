/** Draws the poses of a recording: all in one scale, and what stands still stands still. */

import {drawPose, type Landmark, type Pose} from "@kynaplatform/web";
import type {Recording} from "./recording.js";

const NOSE = 0;
const WRISTS = [15, 16];
const ANKLES = [27, 28];
/** What is left free around the poses, as a share of the picture. */
const MARGIN = 0.12;

export interface Size {
  readonly width: number;
  readonly height: number;
}
interface Point {
  readonly x: number;
  readonly y: number;
}

/** Where a figure of metres is in a picture of pixels. */
export class Placement {
  readonly #anchorOf: (pose: Pose) => Point;
  readonly #left: number;
  readonly #right: number;
  readonly #top: number;
  readonly #bottom: number;

  /**
   * The origin of landmarks is between the hips, but people stand on their feet, or hang by their
   * hands: that is what stays where it is. Who has the hands above the head all the time hangs.
   */
  constructor({frames}: Pick<Recording, "frames">) {
    const poses = frames.filter((frame) => frame !== null);
    const hangs = poses.every((pose) => middle(pose, WRISTS).y < (pose[NOSE] as Landmark).y);
    this.#anchorOf = hangs
      ? (pose) => middle(pose, WRISTS)
      : (pose) => ({x: middle(pose, ANKLES).x, y: Math.max(...pose.map(({y}) => y))});
    const anchored = poses.map((pose) => ({pose, anchor: this.#anchorOf(pose)}));
    const xs = anchored.flatMap(({pose, anchor}) => pose.map(({x}) => x - anchor.x));
    const ys = anchored.flatMap(({pose, anchor}) => pose.map(({y}) => y - anchor.y));
    [this.#left, this.#right] = rangeOf(xs);
    [this.#top, this.#bottom] = rangeOf(ys);
  }

  /** The pose as shares of the picture's width and height. */
  place(pose: Pose, picture: Size): Pose {
    const room = 1 - 2 * MARGIN;
    const across = (picture.width * room) / (this.#right - this.#left);
    const scale = Math.min(across, (picture.height * room) / (this.#bottom - this.#top));
    const anchor = this.#anchorOf(pose);
    const centre = {x: (this.#left + this.#right) / 2, y: (this.#top + this.#bottom) / 2};
    return pose.map((point) => ({
      ...point,
      x: 0.5 + ((point.x - anchor.x - centre.x) * scale) / picture.width,
      y: 0.5 + ((point.y - anchor.y - centre.y) * scale) / picture.height,
    }));
  }
}

/** Draw a pose in place of what is on the canvas; nothing for null. */
export function drawFigure(
  canvas: HTMLCanvasElement,
  pose: Pose | null,
  placement: Placement,
): void {
  const picture = {width: canvas.clientWidth, height: canvas.clientHeight};
  drawPose(canvas, pose && placement.place(pose, picture));
}

function middle(pose: Pose, [one = 0, other = 0]: readonly number[]): Point {
  const [a, b] = [pose[one] as Landmark, pose[other] as Landmark];
  return {x: (a.x + b.x) / 2, y: (a.y + b.y) / 2};
}

/** The least and the greatest, which are not the same. */
function rangeOf(numbers: readonly number[]): [number, number] {
  let [least, greatest] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const number of numbers) {
    least = Math.min(least, number);
    greatest = Math.max(greatest, number);
  }
  return [least, Math.max(greatest, least + 0.01)];
}
