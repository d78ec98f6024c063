/** The session page: it counts one session of a customer, and tells the app around it. */

import {KynaError, type StreamEnd, type StreamEvent} from "@kynaplatform/web";
import {stopped} from "./abort.js";
import {countDown} from "./countdown.js";
import {byId, element} from "./dom.js";
import {countText} from "./formatting.js";
import {type Asked, readFragment, returnAddress} from "./fragment.js";
import {Host, isFramed} from "./host.js";
import {Live} from "./live.js";
import {Loading} from "./loading.js";
import {paint} from "./page_color.js";
import {type Landmarker, readPageData} from "./page_data.js";
import {type Problem, problemOf} from "./problems.js";
import {fetchRecording} from "./recording.js";
import {ResultTables} from "./result_tables.js";
import {Run} from "./run.js";
import {runStream} from "./run_stream.js";
import {fetchMovement, type SessionMovement} from "./session_movement.js";
import {openCamera, openRecording, type Source} from "./source.js";
import {Speech} from "./speech.js";
import type {Target} from "./target.js";
import {keepScreenOn} from "./wake_lock.js";

interface PageData {
  readonly name: string;
  /** `#rrggbb`; empty for the platform's own. */
  readonly color: string;
  readonly frames: readonly string[];
  readonly returns: readonly string[];
  readonly landmarker: Landmarker;
}

const PLACES: Readonly<Record<string, string>> = {
  side: "Side-on to the camera",
  front: "Facing the camera",
  any: "Before the camera",
};
const ENDED: ReadonlySet<string> = new Set(["completed", "cancelled", "failed"]);
const OVER: Problem = {
  what: "This session is over, or its link is no longer valid.",
  advice: "Go back and begin again.",
};
const PROBLEMS: Readonly<Record<string, Problem>> = {
  not_found: OVER,
  runtime_token_invalid: OVER,
  runtime_token_expired: OVER,
  session_already_ended: OVER,
  rate_limited: {what: "Too much was asked of the server.", advice: "Try again in a minute."},
};

const data = readPageData<PageData>("page-data");
const begin = byId("begin", HTMLElement);
const startButton = byId("start", HTMLButtonElement);
const problem = byId("problem", HTMLElement);
const speak = byId("speak", HTMLInputElement);
const speech = new Speech(speak);
const live = new Live(speech);
const loading = new Loading();
const tables = new ResultTables();

paint(data.color);
const asked = readFragment(location.hash, data.returns);
// The address and what is copied of it have no token any more.
history.replaceState(null, "", location.pathname);
// An app that opens another session here changes the fragment alone, which loads nothing.
addEventListener("hashchange", () => location.reload());
if (asked) void open(asked, new Host(asked.session, data.frames));
else show({what: "This link is not complete.", advice: "Go back and open it again."});

async function open(asked: Asked, host: Host): Promise<void> {
  speak.checked = asked.speak && "speechSynthesis" in globalThis;
  offerDone(asked, host, null);
  try {
    const movement = await fetchMovement(asked.session, asked.token);
    // A link may name one customer's page and another's session.
    const isOfPage = location.pathname.toLowerCase().endsWith(`/${movement.project_id}`);
    if (!isOfPage || ENDED.has(movement.status)) throw failure("session_already_ended", OVER.what);
    if (!asked.figure && Object.keys(data.landmarker).length === 0) {
      throw failure("models_unavailable", "The camera can't be used here yet.");
    }
    showMovement(movement);
    offerStart("Start", () => void go(asked, movement, host));
    host.tell({type: "ready", movement: movement.event_key});
  } catch (error) {
    if (error instanceof KynaError && error.retryable) {
      offerStart("Try again", () => void open(asked, host));
    }
    tellProblem(error, host);
  }
}

function failure(code: string, message: string): KynaError {
  return new KynaError({code, message, retryable: false});
}

function offerStart(text: string, onClick: () => void): void {
  startButton.textContent = text;
  startButton.onclick = () => {
    problem.hidden = true;
    onClick();
  };
  startButton.hidden = false;
  startButton.focus();
}

function showMovement({name, setup, target, hold_ms}: SessionMovement): void {
  document.title = [name, data.name].filter(Boolean).join(" | ");
  byId("movement", HTMLElement).textContent = name;
  const place = PLACES[setup.view] ?? PLACES.any;
  byId("place", HTMLElement).textContent =
    `${place}, two to three metres away, with your whole body in the picture.`;
  byId("goal", HTMLElement).textContent = goalText(target, hold_ms);
}

function goalText(target: SessionMovement["target"], holdMs: number | null): string {
  if (target?.repetitions) {
    return `${countText(target.repetitions, "repetition", "repetitions")}, then it ends by itself.`;
  }
  if (target?.hold_ms) {
    return `Hold it for ${Math.round(target.hold_ms / 1_000)} seconds, then it ends by itself.`;
  }
  if (holdMs) {
    return `Hold it for ${Math.round(holdMs / 1_000)} seconds. Press Stop when you have done.`;
  }
  return "As many as you like. Press Stop when you have done.";
}

/** From Start to the result, or back to Start where it could not begin. */
async function go(asked: Asked, movement: SessionMovement, host: Host): Promise<void> {
  const amount = movement.target?.repetitions;
  const target: Target | null = amount ? {kind: "repetitions", amount} : null;
  const hold_ms = movement.target?.hold_ms ?? movement.hold_ms;
  const shown = {...movement, hold_ms};
  const run = new Run(shown, movement.angle_settings, target, movement.language);
  const stopping = new AbortController();
  const {signal} = stopping;
  begin.hidden = true;
  // iOS speaks later only if it has spoken for a touch.
  speech.say(movement.name);
  live.open(run, () => stopping.abort());
  keepScreenOn(signal);
  try {
    const source = await Promise.race([openSource(asked, signal), stopped(signal)]);
    if (source?.isCamera) live.load();
    await Promise.race([source?.load(), stopped(signal)]);
    loading.hide();
    if (source?.isCamera) await countDown(asked.countdown, (left) => live.countDown(left), signal);
    if (!source || signal.aborted) return close();
    live.go();
    let end: StreamEnd | null = null;
    const ending = await runStream(
      {
        session: {stream_url: movement.stream_url, runtime_token: asked.token},
        readEvents: null,
        problems: PROBLEMS,
        onEvent: (event) => tellEvent(event, run, host),
        onAttempt: (attempt) => host.tell({type: "attempt", ...attempt}),
        onReadiness: (readiness) => host.tell({type: "readiness", ...readiness}),
        onEnd: (known, error) => {
          end = known;
          host.tell({type: "ended", end, error: error === null ? null : errorOf(error)});
        },
      },
      source,
      live,
      run,
      stopping,
    );
    live.close();
    tables.open(run, ending);
    offerDone(asked, host, end);
  } catch (error) {
    close();
    tellProblem(error, host);
  } finally {
    loading.hide();
    stopping.abort();
  }
}

function close(): void {
  live.close();
  begin.hidden = false;
  startButton.focus();
}

async function openSource({figure}: Asked, signal: AbortSignal): Promise<Source> {
  if (figure) {
    const recording = await fetchRecording(`/try/figures/${figure}.json.gz`, signal);
    return openRecording(recording, 1, signal);
  }
  const onProgress = (loaded: number, total: number): void => {
    if (!signal.aborted) loading.show(loaded, total);
  };
  return openCamera(data.landmarker, onProgress, signal);
}

function tellEvent(event: StreamEvent, run: Run, host: Host): void {
  const {type, payload, ts_ms: timestampMs, isLate} = event;
  if (type === "feedback") host.tell({type: "cue", ...payload, isLate});
  if (type !== "event_completed") return;
  host.tell({
    type: "counted",
    eventKey: payload.event_key,
    number: run.repetitions.length,
    side: payload.side ?? null,
    timestampMs,
    metrics: payload.metrics ?? null,
    isLate,
  });
}

/** In a frame the page around it decides what comes next. */
function offerDone({returnTo, session}: Asked, host: Host, end: StreamEnd | null): void {
  const address = isFramed() ? null : returnTo;
  const leads = isFramed() || address !== null || "ReactNativeWebView" in globalThis;
  for (const id of ["leave", "done"]) {
    const button = byId(id, HTMLButtonElement);
    button.hidden = !leads;
    button.onclick = () => {
      host.tell({type: "done"});
      if (address) location.assign(returnAddress(address, session, end?.outcome ?? null));
    };
  }
}

function tellProblem(error: unknown, host: Host): void {
  const told = errorOf(error);
  show(problemOf(error, "", PROBLEMS));
  host.tell({type: "problem", ...told});
}

function errorOf(error: unknown): {code: string; message: string} {
  if (!(error instanceof KynaError)) return {code: "page_failed", message: String(error)};
  return {code: error.code, message: error.message};
}

function show({what, advice}: Problem): void {
  problem.replaceChildren(element("strong", what), ` ${advice}`);
  problem.hidden = false;
  problem.focus();
}
