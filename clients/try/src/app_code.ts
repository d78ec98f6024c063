/** "Do this in your app": the MoveSpec of the run, the code that counts by it, and its events. */

import {copy} from "./clipboard.js";
import {byId} from "./dom.js";
import type {Run} from "./run.js";

/** The script of a page that counts, with the npm package. */
export function scriptOf(run: Run): string {
  const {event_key} = run.movement;
  return `import {createCamera, createStream} from "@kynaplatform/web";

// Your server creates the session with its API key, and hands it to the page.
const session = await (await fetch("/your-session", {method: "POST"})).json();

const stream = createStream(session, {
  onEvent: ({type, payload}) => {
    if (type === "event_completed") console.log(payload.event_key); // "${event_key}"
    if (type === "feedback") console.log(payload.message);
  },
  onReadiness: ({state, missing}) => console.log(state, missing), // nothing counts until "ready"
  onAttempt: ({reason, by}) => console.log(reason, by), // what did not count, and why
});
const camera = createCamera({
  video: document.querySelector("video"),
  files: "/pose/", // of the npm package @mediapipe/pose
  onMoment: (moment) => stream.add(moment),
});
await camera.start();
// When the set is over: camera.stop(), and const {repetitions} = await stream.finalize();
`;
}

/** A line of JSON for each event, as the stream brought them. */
export function eventLines({events}: Run): string {
  const lines = events.map(({event_id, session_id, ts_ms, type, payload}) =>
    JSON.stringify({event_id, session_id, ts_ms, type, payload}),
  );
  return lines.map((line) => `${line}\n`).join("");
}

export class AppCode {
  #addresses: string[] = [];

  /** `movespec` is the YAML that counted. */
  show(run: Run, slug: string, movespec: string): void {
    for (const address of this.#addresses) URL.revokeObjectURL(address);
    this.#addresses = [];
    this.#fill("yaml", movespec, `${slug}.yaml`, "application/yaml");
    this.#fill("script", scriptOf(run), "page.js", "text/javascript");
    this.#fill("events", eventLines(run), `${slug}-events.ndjson`, "application/x-ndjson");
    const count = run.events.length;
    byId("events-count", HTMLElement).textContent = count === 1 ? "one event" : `${count} events`;
  }

  #fill(name: string, text: string, file: string, type: string): void {
    byId(`app-${name}`, HTMLElement).textContent = text;
    const button = byId(`copy-${name}`, HTMLButtonElement);
    button.onclick = () => void copy(button, text);
    const link = byId(`save-${name}`, HTMLAnchorElement);
    link.href = URL.createObjectURL(new Blob([text], {type}));
    link.download = file;
    this.#addresses.push(link.href);
  }
}
