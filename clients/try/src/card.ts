/** The picture of a result, to be shared: a number, a skeleton and a curve; no video. */

import {CONNECTIONS, type Pose} from "@kynaplatform/web";
import {Placement} from "./figure.js";
import {timeText} from "./formatting.js";
import {factsOf, headlineOf, type Result} from "./result.js";
import {linesOf, xOf} from "./trace.js";

export const CARD_PIXELS = 1_080;
const MARGIN = 72;
const FAMILY =
  'Figtree, system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", sans-serif';
const COLORS = {
  top: "#12403f",
  bottom: "#0a1414",
  text: "#f2f7f6",
  quiet: "#a9c9c5",
  body: "#5eead4",
  curve: "#ffd166",
};
const FIGURE = {left: 500, top: 150, size: 530};
const CURVE = {top: 750, bottom: 890};

/** Draw a result over the whole canvas. `address` is where a friend does it too. */
export function drawCard(canvas: HTMLCanvasElement, result: Result, address: string): void {
  canvas.width = canvas.height = CARD_PIXELS;
  const context = canvas.getContext("2d") as CanvasRenderingContext2D;
  const {run} = result;
  const {amount, unit} = headlineOf(result);
  const ground = context.createLinearGradient(0, 0, 0, CARD_PIXELS);
  ground.addColorStop(0, COLORS.top);
  ground.addColorStop(1, COLORS.bottom);
  context.fillStyle = ground;
  context.fillRect(0, 0, CARD_PIXELS, CARD_PIXELS);
  if (run.farthest) drawBody(context, run.farthest.pose);
  const write = (text: string, x: number, y: number, size: number, color: string, weight = 700) => {
    context.fillStyle = color;
    const most = CARD_PIXELS - MARGIN - x;
    context.font = `${weight} ${size}px ${FAMILY}`;
    context.fillText(text, x, y, most);
  };
  write(run.movement.name, MARGIN, 150, 84, COLORS.text);
  const digits = `${amount}`.length;
  write(`${amount}`, MARGIN - 12, 540, digits < 3 ? 400 : 260, COLORS.text, 800);
  write(run.movement.hold_ms === null ? unit : `${unit} held`, MARGIN, 610, 44, COLORS.quiet, 500);
  const [, ...facts] = factsOf(result);
  const told = [
    timeText(run.lastMs),
    ...facts.map(([name, value]) => `${name.toLowerCase()} ${value}`),
  ];
  write(told.slice(0, 3).join("  ·  "), MARGIN, 690, 36, COLORS.text, 500);
  drawCurve(context, result);
  write(
    "Counted by kynaplatform. The video stayed in the browser.",
    MARGIN,
    962,
    30,
    COLORS.quiet,
    500,
  );
  write(address.replace(/^https?:\/\//, ""), MARGIN, 1_012, 34, COLORS.body, 600);
}

function drawBody(context: CanvasRenderingContext2D, pose: Pose): void {
  const {left, top, size} = FIGURE;
  const placement = new Placement({frames: [pose]});
  const placed = placement.place(pose, {width: size, height: size});
  const at = (index: number) => {
    const {x, y} = placed[index] as Pose[number];
    return [left + x * size, top + y * size] as const;
  };
  context.strokeStyle = context.fillStyle = COLORS.body;
  context.lineWidth = 14;
  context.lineCap = context.lineJoin = "round";
  context.beginPath();
  for (const [from, to] of CONNECTIONS) {
    context.moveTo(...at(from));
    context.lineTo(...at(to));
  }
  context.stroke();
  const middle = (one: number, other: number) => {
    const [a, b] = [at(one), at(other)];
    return [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2] as const;
  };
  const [head, neck] = [middle(7, 8), middle(11, 12)];
  context.beginPath();
  context.arc(...head, 0.5 * Math.hypot(head[0] - neck[0], head[1] - neck[1]), 0, 2 * Math.PI);
  context.stroke();
}

/** The angle over the whole run, with a dot for each repetition. */
function drawCurve(context: CanvasRenderingContext2D, {run}: Result): void {
  const area = {
    fromMs: 0,
    toMs: Math.max(run.lastMs, 1_000),
    left: MARGIN,
    right: CARD_PIXELS - MARGIN,
    ...CURVE,
  };
  context.strokeStyle = context.fillStyle = COLORS.curve;
  context.lineWidth = 6;
  for (const line of linesOf(run.points, area)) {
    context.beginPath();
    for (const point of line) context.lineTo(...point);
    context.stroke();
  }
  for (const {ms} of run.repetitions) {
    context.beginPath();
    context.arc(xOf(area, ms), CURVE.bottom, 8, 0, 2 * Math.PI);
    context.fill();
  }
}
