/** The page: choose, do it, see what came of it. */

import {stopped} from "./abort.js";
import {type Choice, ChoiceForm} from "./choice_form.js";
import {byId} from "./dom.js";
import {Live} from "./live.js";
import {readPageData} from "./page_data.js";
import {problemOf} from "./problems.js";
import {fetchRecording, readRecording} from "./recording.js";
import {Run} from "./run.js";
import {runStream} from "./run_stream.js";
import {openSession} from "./session.js";
import {openCamera, openRecording, type Source} from "./source.js";
import {Speech} from "./speech.js";
import {Summary} from "./summary.js";
import {keepScreenOn} from "./wake_lock.js";

/** With `?speed=8` in the page's address a recording is played so much faster; at most so. */
const FASTEST = 20;

const data = readPageData();
const live = new Live(new Speech(byId("speak", HTMLInputElement)));
const summary = new Summary(() => {
  summary.close();
  choiceForm.open();
});
const choiceForm = new ChoiceForm(data.movements, (choice) => void go(choice));

/** One run: from Start to its summary, or back to the choice where it could not begin. */
async function go(choice: Choice): Promise<void> {
  const run = new Run(choice.movement, data.engine);
  const stopping = new AbortController();
  const {signal} = stopping;
  choiceForm.close();
  live.open(run, () => stopping.abort());
  keepScreenOn(signal);
  try {
    // Neither a question of the browser nor a slow line keeps somebody who stops. Who refuses the
    // camera makes no session, and who can have none loads nothing.
    const source = await Promise.race([openSource(choice, signal), stopped(signal)]);
    const asked = source && openSession(data.sessions, choice.movement.slug, signal);
    const opened = await Promise.race([asked, stopped(signal)]);
    if (opened) await Promise.race([source?.load(), stopped(signal)]);
    if (source && opened && !signal.aborted) {
      const ending = await runStream(opened, source, live, stopping);
      live.close();
      summary.open(run, ending);
    } else {
      live.close();
      choiceForm.open();
    }
  } catch (error) {
    live.close();
    choiceForm.open(problemOf(error));
  } finally {
    stopping.abort();
  }
}

async function openSource(choice: Choice, signal: AbortSignal): Promise<Source> {
  if (choice.source === "camera") return openCamera(data.landmarker, signal);
  const recording =
    choice.source === "file"
      ? await readRecording(choice.file)
      : await fetchRecording(choice.movement.figure, signal);
  const speed = Number(new URLSearchParams(location.search).get("speed") ?? 1);
  return openRecording(recording, Math.min(FASTEST, Math.max(1, speed || 1)), signal);
}
