/** Draws the trace of a run, and the scores of its repetitions. */

import type {Run} from "./run.js";
import {type Area, linesOf, ticksOf, xOf, yOf} from "./trace.js";
import {timeText} from "./words.js";

const LEFT = 38;
const RIGHT = 20;
const TOP = 22;
const BOTTOM = 22;
const DEGREES = [0, 45, 90, 135, 180];
const FONT = "13px system-ui, sans-serif";

/** The picture of a canvas in CSS pixels, empty. */
function emptied(canvas: HTMLCanvasElement): CanvasRenderingContext2D {
  const ratio = devicePixelRatio;
  canvas.width = Math.round(canvas.clientWidth * ratio);
  canvas.height = Math.round(canvas.clientHeight * ratio);
  const context = canvas.getContext("2d") as CanvasRenderingContext2D;
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.font = FONT;
  return context;
}

/** The page's colours: try.css names them, so that they are light or dark as the page is. */
function colorsOf(canvas: HTMLCanvasElement): (name: string) => string {
  const style = getComputedStyle(canvas);
  return (name) => style.getPropertyValue(`--${name}`);
}

function areaOf(canvas: HTMLCanvasElement, fromMs: number, toMs: number): Area {
  const {clientWidth: width, clientHeight: height} = canvas;
  return {fromMs, toMs, left: LEFT, right: width - RIGHT, top: TOP, bottom: height - BOTTOM};
}

/** The angle from one time to another, with the bands of its phases, and what was counted. */
export function drawTrace(canvas: HTMLCanvasElement, run: Run, fromMs: number, toMs: number): void {
  const context = emptied(canvas);
  const color = colorsOf(canvas);
  const area = areaOf(canvas, fromMs, toMs);
  for (const {phase, min, max} of run.movement.angle.bands) {
    const [top, height] = [yOf(area, max), yOf(area, min) - yOf(area, max)];
    context.fillStyle = color(`phase-${run.movement.phases.indexOf(phase) + 1}`);
    context.globalAlpha = 0.16;
    context.fillRect(area.left, top, area.right - area.left, height);
    context.globalAlpha = 0.34;
    for (const stay of run.stays) {
      if (stay.phase !== phase) continue;
      const start = xOf(area, Math.max(fromMs, stay.startMs));
      const end = xOf(area, Math.min(toMs, stay.endMs ?? run.lastMs));
      if (end > start) context.fillRect(start, top, end - start, height);
    }
  }
  context.globalAlpha = 1;
  for (const degrees of DEGREES) drawLevel(context, area, color, yOf(area, degrees), `${degrees}°`);
  drawTimes(context, area, color);
  drawMarks(context, area, color, run);
  context.strokeStyle = color("curve");
  context.lineWidth = 2.5;
  context.lineJoin = "round";
  for (const line of linesOf(run.points, area)) {
    context.beginPath();
    for (const [x, y] of line) context.lineTo(x, y);
    context.stroke();
  }
}

/** The score of each repetition at its time. */
export function drawScores(canvas: HTMLCanvasElement, run: Run, toMs: number): void {
  const context = emptied(canvas);
  const color = colorsOf(canvas);
  const area = areaOf(canvas, 0, toMs);
  const top = (score: number) => area.bottom - score * (area.bottom - area.top);
  for (const share of [0, 0.5, 1]) drawLevel(context, area, color, top(share), `${100 * share}`);
  drawTimes(context, area, color);
  const width = Math.min(22, (area.right - area.left) / (2 * run.repetitions.length + 1));
  for (const [index, {ms, score}] of run.repetitions.entries()) {
    const x = xOf(area, ms);
    context.fillStyle = color("done");
    context.fillRect(x - width / 2, top(score ?? 0), width, area.bottom - top(score ?? 0));
    write(context, `${index + 1}`, x, area.top - 8, "center");
  }
}

function drawLevel(
  context: CanvasRenderingContext2D,
  area: Area,
  color: (name: string) => string,
  y: number,
  label: string,
): void {
  context.fillStyle = color("grid");
  context.fillRect(area.left, Math.round(y), area.right - area.left, 1);
  context.fillStyle = color("label");
  write(context, label, area.left - 6, y, "right");
}

function drawTimes(
  context: CanvasRenderingContext2D,
  area: Area,
  color: (name: string) => string,
): void {
  context.fillStyle = color("label");
  for (const ms of ticksOf(area, (area.right - area.left) / 60)) {
    write(context, timeText(ms), xOf(area, ms), area.bottom + 13, "center");
  }
}

/** A line with its number where a repetition was completed, one with a cross where it was not. */
function drawMarks(
  context: CanvasRenderingContext2D,
  area: Area,
  color: (name: string) => string,
  run: Run,
): void {
  const marks = [
    ...run.repetitions.map(({ms}, index) => ({ms, name: "done", label: `${index + 1}`, dash: []})),
    ...run.interruptions.map(({ms}) => ({ms, name: "broken", label: "×", dash: [3, 4]})),
  ];
  context.lineWidth = 1.5;
  for (const {ms, name, label, dash} of marks) {
    if (ms < area.fromMs || ms > area.toMs) continue;
    const x = xOf(area, ms);
    context.strokeStyle = context.fillStyle = color(name);
    context.setLineDash(dash);
    context.beginPath();
    context.moveTo(x, area.top);
    context.lineTo(x, area.bottom);
    context.stroke();
    write(context, label, x, area.top - 9, "center");
  }
  context.setLineDash([]);
}

function write(
  context: CanvasRenderingContext2D,
  text: string,
  x: number,
  y: number,
  align: CanvasTextAlign,
): void {
  context.textAlign = align;
  context.textBaseline = "middle";
  context.fillText(text, x, y);
}
