/** Draws the trace of a run. */

import {timeText} from "./formatting.js";
import type {Run} from "./run.js";
import {type Area, linesOf, ticksOf, xOf, yOf} from "./trace.js";

const LEFT = 38;
const RIGHT = 20;
const TOP = 22;
const BOTTOM = 22;
const DEGREES = [0, 45, 90, 135, 180];
const FONT = "13px Figtree, system-ui, sans-serif";

/** The angle from one time to another, with the bands of its phases, and what was counted. */
export function drawTrace(canvas: HTMLCanvasElement, run: Run, fromMs: number, toMs: number): void {
  const chart = new Chart(canvas, fromMs, toMs);
  const {area, context} = chart;
  for (const {phase, min, max} of run.movement.angle.bands) {
    const [top, height] = [yOf(area, max), yOf(area, min) - yOf(area, max)];
    context.fillStyle = chart.color(`phase-${run.movement.phases.indexOf(phase) + 1}`);
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
  for (const degrees of DEGREES) chart.drawLevel(yOf(area, degrees), `${degrees}°`);
  chart.drawTimes();
  for (const [index, {ms}] of run.repetitions.entries()) {
    chart.drawMark(ms, "done", `${index + 1}`, []);
  }
  for (const {ms} of run.attempts) chart.drawMark(ms, "broken", "×", [3, 4]);
  context.strokeStyle = chart.color("curve");
  context.lineWidth = 2.5;
  context.lineJoin = "round";
  for (const line of linesOf(run.points, area)) {
    context.beginPath();
    for (const [x, y] of line) context.lineTo(x, y);
    context.stroke();
  }
}

/** A canvas, emptied, over which time runs from left to right. */
class Chart {
  readonly context: CanvasRenderingContext2D;
  /** In CSS pixels. */
  readonly area: Area;
  readonly #canvas: HTMLCanvasElement;

  constructor(canvas: HTMLCanvasElement, fromMs: number, toMs: number) {
    const {clientWidth: width, clientHeight: height} = canvas;
    this.#canvas = canvas;
    this.area = {fromMs, toMs, left: LEFT, right: width - RIGHT, top: TOP, bottom: height - BOTTOM};
    const ratio = devicePixelRatio;
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    this.context = canvas.getContext("2d") as CanvasRenderingContext2D;
    this.context.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.context.font = FONT;
    this.context.textBaseline = "middle";
  }

  /** A colour that try.css names. Only as a property is it light or dark as the page is. */
  color(name: string): string {
    this.#canvas.style.color = `var(--${name})`;
    return getComputedStyle(this.#canvas).color;
  }

  write(text: string, x: number, y: number, align: CanvasTextAlign): void {
    this.context.textAlign = align;
    this.context.fillText(text, x, y);
  }

  drawLevel(y: number, label: string): void {
    const {context, area} = this;
    context.fillStyle = this.color("grid");
    context.fillRect(area.left, Math.round(y), area.right - area.left, 1);
    context.fillStyle = this.color("label");
    this.write(label, area.left - 6, y, "right");
  }

  drawTimes(): void {
    const {context, area} = this;
    context.fillStyle = this.color("label");
    for (const ms of ticksOf(area, (area.right - area.left) / 60)) {
      this.write(timeText(ms), xOf(area, ms), area.bottom + 13, "center");
    }
  }

  /** A line with its label above it, where something was counted, or was not. */
  drawMark(ms: number, color: string, label: string, dash: number[]): void {
    const {context, area} = this;
    if (ms < area.fromMs || ms > area.toMs) return;
    const x = xOf(area, ms);
    context.strokeStyle = context.fillStyle = this.color(color);
    context.lineWidth = 1.5;
    context.setLineDash(dash);
    context.beginPath();
    context.moveTo(x, area.top);
    context.lineTo(x, area.bottom);
    context.stroke();
    context.setLineDash([]);
    this.write(label, x, area.top - 9, "center");
  }
}
