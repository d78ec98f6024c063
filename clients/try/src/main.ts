/** The page: choose, do it, see what came of it. */

import {createClient, type DetectionEvent, type Moment} from "@kynaplatform/web";
import {stopped} from "./abort.js";
import {type Choice, ChoiceForm} from "./choice_form.js";
import {countDown} from "./countdown.js";
import {byId} from "./dom.js";
import {Live} from "./live.js";
import {Loading} from "./loading.js";
import {askedSpeed} from "./page_address.js";
import {readPageData, type TryData} from "./page_data.js";
import {problemOf} from "./problems.js";
import {recorded} from "./recorder.js";
import {fetchRecording, readRecording} from "./recording.js";
import {Run} from "./run.js";
import {runStream} from "./run_stream.js";
import {type Opened, openSession} from "./session.js";
import {openCamera, openRecording, type Source} from "./source.js";
import {Speech} from "./speech.js";
import {Summary} from "./summary.js";
import {shareOf} from "./target.js";
import {keepScreenOn} from "./wake_lock.js";

/** How long the reached target is seen before its result. */
const DONE_MS = 1_500;
const WITHOUT_CAMERA = "The built-in figure needs no camera.";

const data = readPageData<TryData>("try-data");
const live = new Live(new Speech(byId("speak", HTMLInputElement)));
const loading = new Loading();
const summary = new Summary((recording) => {
  summary.close();
  if (recording) choiceForm.chooseFile(recording);
  choiceForm.open();
});
const choiceForm = new ChoiceForm(data.movements, (choice) => void go(choice));

/** One run: from Start to its summary, or back to the choice where it could not begin. */
async function go(choice: Choice): Promise<void> {
  const run = new Run(choice.movement, data.engine, choice.target, choice.language);
  const stopping = new AbortController();
  const {signal} = stopping;
  choiceForm.close();
  live.open(run, () => stopping.abort());
  keepScreenOn(signal);
  try {
    // Neither a question of the browser nor a slow line keeps somebody who stops. Who refuses the
    // camera makes no session, and who can have none loads nothing.
    const source = await Promise.race([openSource(choice, signal), stopped(signal)]);
    const {parameters, language: locale} = choice;
    const wanted = {movement: choice.movement.slug, parameters, locale};
    const asked = source && openSession(data.sessions, wanted, signal);
    const opened = await Promise.race([asked, stopped(signal)]);
    if (source && opened) {
      if (source.isCamera) live.load();
      await Promise.race([source.load(), stopped(signal)]);
      loading.hide();
      if (source.isCamera)
        await countDown(choice.countdown, (left) => live.countDown(left), signal);
    }
    if (source && opened && !signal.aborted) {
      live.go();
      const {session} = opened;
      const readEvents = () => eventsOf(opened);
      const streamed = {session, readEvents, withoutCamera: WITHOUT_CAMERA};
      const moments: Moment[] = [];
      const ending = await runStream(streamed, recorded(source, moments), live, run, stopping);
      if (run.target && shareOf(run.target, run) === 1) await pause(DONE_MS);
      live.close();
      summary.open(run, choice.movement, opened.movespec, ending, moments);
    } else {
      live.close();
      choiceForm.open();
    }
  } catch (error) {
    live.close();
    choiceForm.open(problemOf(error, WITHOUT_CAMERA));
  } finally {
    loading.hide();
    stopping.abort();
  }
}

function eventsOf({session, access_token}: Opened): AsyncIterable<DetectionEvent> {
  const tokenProvider = async () => access_token;
  const client = createClient({baseUrl: location.origin, tokenProvider});
  return client.sessions.events(session.session_id);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

async function openSource(choice: Choice, signal: AbortSignal): Promise<Source> {
  if (choice.source === "camera") {
    const onProgress = (loaded: number, total: number): void => {
      if (!signal.aborted) loading.show(loaded, total);
    };
    return openCamera(data.landmarker, onProgress, signal);
  }
  const recording =
    choice.source === "file"
      ? await readRecording(choice.file)
      : await fetchRecording(choice.movement.figure, signal);
  return openRecording(recording, askedSpeed(), signal);
}
