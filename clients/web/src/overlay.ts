import {CONNECTIONS, type Pose} from "./pose.js";

/** A size, or a place and a size, in any one unit. */
export interface Size {
  readonly width: number;
  readonly height: number;
}
export interface Box extends Size {
  readonly x: number;
  readonly y: number;
}

const [NOSE, LEFT_EAR, RIGHT_EAR, LEFT_SHOULDER, RIGHT_SHOULDER] = [0, 7, 8, 11, 12];
const POINTS = [...new Set([NOSE, ...CONNECTIONS.flat()])];
/** A head's radius, as a share of the way from the shoulders to the ears. */
const HEAD = 0.5;
const SEEN = 0.5;
const FAINT = 0.25;
/** Under the skeleton, so that it can be seen on a light picture as on a dark one. */
const EDGE = "rgb(0 0 0 / 0.6)";
/** How much of a canvas a standing person with the arms up fills: metres of its height. */
const METRES = 2.4;
const FLOOR = 0.94;

/** The box of a picture in its element, in the middle, by CSS `object-fit`. */
export function pictureBox(element: Size, picture: Size, fit: string): Box {
  if (fit === "fill" || picture.width === 0 || picture.height === 0)
    return {x: 0, y: 0, ...element};
  const scales = [element.width / picture.width, element.height / picture.height] as const;
  const scale = fit === "cover" ? Math.max(...scales) : Math.min(...scales);
  const width = picture.width * scale;
  const height = picture.height * scale;
  return {x: (element.width - width) / 2, y: (element.height - height) / 2, width, height};
}

/**
 * World landmarks, in metres, as shares of a canvas of this size: on a floor, the hips in the
 * middle, and always of one scale.
 */
export function standing(world: Pose, {width, height}: Size): Pose {
  const pixels = Math.min(height, width) / METRES;
  const lowest = Math.max(...world.map(({y}) => y));
  return world.map((point) => ({
    ...point,
    x: 0.5 + (point.x * pixels) / width,
    y: FLOOR + ((point.y - lowest) * pixels) / height,
  }));
}

/**
 * Draw a pose on a canvas, in place of what is there; nothing for null.
 *
 * The points are shares of `box`, in CSS pixels, which is the whole canvas if it isn't given. A
 * point that is hardly visible is faint. CSS has to set the canvas's size, for its own is set here
 * to the screen's pixels.
 */
export function drawPose(
  canvas: HTMLCanvasElement,
  pose: Pose | null,
  {box, color = "#5eead4"}: {box?: Box; color?: string} = {},
): void {
  const context = canvas.getContext("2d");
  if (!context) return;
  const {clientWidth: width, clientHeight: height} = canvas;
  const ratio = globalThis.devicePixelRatio;
  // To set a size clears the canvas, and to set the same size too.
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  if (!pose) return;
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.lineCap = "round";
  const points = placed(pose, box ?? {x: 0, y: 0, width, height});
  const line = Math.max(2, Math.min(width, height) / 120);
  for (const [style, edge] of [
    [EDGE, line],
    [color, 0],
  ] as const) {
    context.strokeStyle = context.fillStyle = style;
    context.lineWidth = line + edge;
    drawBones(context, points);
    drawJoints(context, points, line + edge / 2);
  }
}

interface Point {
  readonly x: number;
  readonly y: number;
  readonly isSeen: boolean;
}

function placed(pose: Pose, {x: left, y: top, width, height}: Box): readonly Point[] {
  return pose.map(({x, y, visibility}) => ({
    x: left + x * width,
    y: top + y * height,
    isSeen: (visibility ?? 1) >= SEEN,
  }));
}

function drawBones(context: CanvasRenderingContext2D, points: readonly Point[]): void {
  for (const [from, to] of CONNECTIONS) {
    const [begin, end] = [points[from], points[to]];
    if (!begin || !end) continue;
    stroke(context, begin.isSeen && end.isSeen, () => {
      context.moveTo(begin.x, begin.y);
      context.lineTo(end.x, end.y);
    });
  }
  const head = middle(points[LEFT_EAR], points[RIGHT_EAR]);
  const neck = middle(points[LEFT_SHOULDER], points[RIGHT_SHOULDER]);
  if (!head || !neck) return;
  const radius = HEAD * Math.hypot(head.x - neck.x, head.y - neck.y);
  stroke(context, head.isSeen && neck.isSeen, () => {
    context.arc(head.x, head.y, radius, 0, 2 * Math.PI);
  });
}

function drawJoints(
  context: CanvasRenderingContext2D,
  points: readonly Point[],
  radius: number,
): void {
  for (const index of POINTS) {
    const point = points[index];
    if (!point) continue;
    context.globalAlpha = point.isSeen ? 1 : FAINT;
    context.beginPath();
    context.arc(point.x, point.y, radius, 0, 2 * Math.PI);
    context.fill();
  }
}

function stroke(context: CanvasRenderingContext2D, isSeen: boolean, path: () => void): void {
  context.globalAlpha = isSeen ? 1 : FAINT;
  context.beginPath();
  path();
  context.stroke();
}

function middle(one: Point | undefined, other: Point | undefined): Point | null {
  if (!one || !other) return null;
  const [x, y] = [(one.x + other.x) / 2, (one.y + other.y) / 2];
  return {x, y, isSeen: one.isSeen || other.isSeen};
}

/** Draws on a canvas that lies over a video and has its size. */
export interface Overlay {
  /** Image landmarks; null clears it. */
  draw(pose: Pose | null): void;
}

export function createOverlay(canvas: HTMLCanvasElement, video: HTMLVideoElement): Overlay {
  return {
    draw(pose) {
      const element = {width: canvas.clientWidth, height: canvas.clientHeight};
      const picture = {width: video.videoWidth, height: video.videoHeight};
      drawPose(canvas, pose, {
        box: pictureBox(element, picture, getComputedStyle(video).objectFit),
      });
    },
  };
}
