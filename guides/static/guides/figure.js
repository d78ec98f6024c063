// The figure of the first page: it squats, the number counts, and the events come as they came.

const stage = document.getElementById("stage");
const body = stage.querySelector(".body");
const count = document.getElementById("count");
const knee = document.getElementById("knee");
const play = document.getElementById("play");
const log = document.querySelector("#events code");
const MAX_LINES = 12;
const PAUSE_MS = 1500; // in the last posture, before it begins anew

const { step_ms: stepMs, frames, knee: knees, events } = await (
  await fetch(stage.dataset.squats)
).json();
const lastMs = (frames.length - 1) * stepMs;

const lines = [...body.querySelectorAll("[data-points]")].map((line) => [
  line,
  line.dataset.points.split(" ").map(Number),
]);
const dots = [...body.querySelectorAll("[data-point]")].map((dot) => [
  dot,
  Number(dot.dataset.point),
]);

// Between two frames the points are in between.
function draw(nowMs) {
  const at = Math.min(nowMs / stepMs, frames.length - 1);
  const [before, after, share] = [frames[Math.floor(at)], frames[Math.ceil(at)], at % 1];
  const part = (index) => before[index] + (after[index] - before[index]) * share;
  for (const [line, points] of lines) {
    line.setAttribute("points", points.map((i) => `${part(2 * i)},${part(2 * i + 1)}`).join(" "));
  }
  for (const [dot, i] of dots) {
    dot.setAttribute("cx", part(2 * i));
    dot.setAttribute("cy", part(2 * i + 1));
  }
  knee.textContent = `${knees[Math.round(at)]}°`;
}

function show(event) {
  const { type, payload, ts_ms: ms } = event;
  const line = document.createElement("span");
  const [at, said] = [document.createElement("span"), document.createElement("span")];
  line.className = `event ${type}`;
  [at.className, said.className] = ["at", "said"];
  at.textContent = `${(ms / 1000).toFixed(1)} s`;
  said.textContent = payload.shape_key ?? payload.event_key ?? payload.message;
  line.append(at, ` ${type} `, said);
  log.append(line, "\n");
  while (log.children.length > MAX_LINES) {
    log.firstChild.remove();
    log.firstChild.remove();
  }
  if (type === "event_completed") count.textContent = Number(count.textContent) + 1;
}

let nowMs = 0;
let next = 0;
let lastTick = null;
let isPlaying = false;
let isSeen = true;
let asked = 0; // the animation frame that is asked for

function restart() {
  nowMs = 0;
  next = 0;
  count.textContent = 0;
  log.replaceChildren();
}

function wake() {
  if (!isPlaying || !isSeen) lastTick = null;
  else if (!asked) asked = requestAnimationFrame(tick);
}

function tick(time) {
  asked = 0;
  // A tab that was away does not catch up.
  nowMs += lastTick === null ? 0 : Math.min(time - lastTick, 100);
  lastTick = time;
  if (nowMs > lastMs + PAUSE_MS) restart();
  while (next < events.length && events[next].ts_ms <= nowMs) {
    show(events[next]);
    next += 1;
  }
  draw(nowMs);
  wake();
}

function set(playing) {
  isPlaying = playing;
  play.textContent = playing ? "Pause" : "Play";
  wake();
}

new IntersectionObserver(([entry]) => {
  isSeen = entry.isIntersecting;
  wake();
}).observe(stage);
let isFresh = true;
play.hidden = false;
play.addEventListener("click", () => {
  if (isFresh) restart();
  isFresh = false;
  set(!isPlaying);
});
// Who wants no motion sees the figure still, and may start it.
if (matchMedia("(prefers-reduced-motion: reduce)").matches) {
  set(false);
} else {
  isFresh = false;
  restart();
  set(true);
}
