// A session as tests/client/cases.py describes it, on the address and with the token that it is
// given. It prints how the session went.

import {setTimeout as pause} from "node:timers/promises";
import WebSocket from "ws";
import {createStream} from "../dist/index.js";

const {url, token, moments, ending, silent_seconds} = JSON.parse(process.argv[2]);
const POSE = Array(33).fill({x: 0.1, y: 0.2, z: 0.3, visibility: 0.9});
const went = {events: [], rejections: {}, told: []};

const stream = createStream(
  {stream_url: url, runtime_token: token},
  {
    WebSocket,
    batchFrames: 2,
    silentMs: 1000 * silent_seconds,
    onReadiness: ({state, missing}) => went.told.push([state, ...missing]),
    onHold: (hold) => hold && went.told.push(hold.heldMs),
    onEvent: ({event_id}) => went.events.push(event_id),
    onRejected: (reason, frames) => {
      went.rejections[reason] = (went.rejections[reason] ?? 0) + frames;
    },
  },
);
// The client in Python attaches before it sends, so that both have the same batches.
while (stream.attaches === 0 && stream.state !== "ended") await pause(1);
for (const [timestampMs, isSeen] of moments) {
  stream.add({timestampMs, landmarks: isSeen ? POSE : null});
}
try {
  const end = await (ending === "cancel" ? stream.cancel() : stream.finalize());
  went.status = end.status;
  went.outcome = end.outcome;
  went.repetitions = end.repetitions;
  went.has_missed_events = end.missedEvents;
} catch (error) {
  went.refused_with = error.closeCode;
  went.code = error.code;
}
const known = [];
try {
  for await (const {event_id} of stream) known.push(event_id);
} catch (error) {
  if (error.code !== went.code) throw error;
}
if (known.join() !== went.events.join()) throw new Error("callback and iterator differ");
went.attaches = stream.attaches;
went.accepted_frames = stream.acceptedFrames;
console.log(JSON.stringify(went));
