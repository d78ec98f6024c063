import assert from "node:assert/strict";
import test from "node:test";
import {sessionPageUrl} from "../src/index.js";

const SESSION = {
  session_id: "s-1",
  project_id: "p-1",
  runtime_token: "to.k+en",
  stream_url: "wss://kyna.example/api/detection/stream/s-1",
};

test("the address of a session page has its secrets in the fragment alone", () => {
  const page = new URL(sessionPageUrl("https://kyna.example", SESSION));
  assert.equal(page.pathname, "/session/p-1");
  assert.equal(page.search, "");
  const fragment = new URLSearchParams(page.hash.slice(1));
  assert.deepEqual(
    [...fragment],
    [
      ["session", "s-1"],
      ["token", "to.k+en"],
    ],
  );
});

test("its options stand there too", () => {
  const returnTo = "myapp://done?a=1&b=2";
  const page = sessionPageUrl("https://kyna.example/", SESSION, {
    returnTo,
    speak: true,
    countdown: 0,
  });
  const fragment = new URLSearchParams(new URL(page).hash.slice(1));
  assert.equal(fragment.get("return"), returnTo);
  assert.equal(fragment.get("speak"), "1");
  assert.equal(fragment.get("countdown"), "0");
});
