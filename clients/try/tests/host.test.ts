import assert from "node:assert/strict";
import test from "node:test";
import {Host} from "../src/host.js";

const ALLOWED = ["https://app.example", "https://other.example"];

/** What a page told in a frame, with the origin that each was for. */
function told(ancestors: string[] | undefined, allowed = ALLOWED): [string, unknown][] {
  const sent: [string, unknown][] = [];
  const parent = {postMessage: (event: unknown, origin: string) => sent.push([origin, event])};
  Object.assign(globalThis, {window: {}, parent, location: {ancestorOrigins: ancestors}});
  new Host("s-1", allowed).tell({type: "ready", movement: "squat"});
  return sent;
}

test("a page in a frame tells only the origins that staff allowed, each by its name", () => {
  const event = {
    from: "kynaplatform",
    version: 1,
    sessionId: "s-1",
    type: "ready",
    movement: "squat",
  };
  assert.deepEqual(told(["https://app.example"]), [["https://app.example", event]]);
  for (const unknown of [undefined, ["null"], ["https://stranger.example"], []]) {
    assert.deepEqual(
      told(unknown),
      ALLOWED.map((origin) => [origin, event]),
    );
  }
  assert.deepEqual(told(undefined, []), []);
});

test("alone it tells nobody, and in a WebView the app around it", () => {
  const texts: string[] = [];
  const window = {};
  Object.assign(globalThis, {window, parent: window, location: {}});
  new Host("s-1", ALLOWED).tell({type: "done"});
  Object.assign(globalThis, {
    ReactNativeWebView: {postMessage: (text: string) => texts.push(text)},
  });
  new Host("s-1", []).tell({type: "done"});
  assert.deepEqual(
    texts.map((text) => JSON.parse(text).type),
    ["done"],
  );
});
