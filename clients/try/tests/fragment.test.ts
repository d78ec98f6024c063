import assert from "node:assert/strict";
import test from "node:test";
import {readFragment, returnAddress} from "../src/fragment.js";

const RETURNS = ["https://app.example/done", "myapp://done"];
const asked = (more: string) => readFragment(`#session=s&token=t${more}`, RETURNS);

test("a fragment needs a session and its token", () => {
  for (const fragment of ["", "#", "#session=s", "#token=t", "#session=&token=t"]) {
    assert.equal(readFragment(fragment, RETURNS), null);
  }
  assert.deepEqual(asked(""), {
    session: "s",
    token: "t",
    returnTo: null,
    speak: false,
    countdown: 5,
    figure: null,
  });
});

test("it returns only where staff allow it, with any query", () => {
  for (const address of [...RETURNS, "https://app.example/done?week=3&a=b"]) {
    assert.equal(asked(`&return=${encodeURIComponent(address)}`)?.returnTo, address);
  }
  for (const address of [
    "https://app.example/done/other",
    "https://app.example/done#x",
    "https://app.example.evil.example/done",
    "javascript:alert(1)",
    "//app.example/done",
    "",
  ]) {
    assert.equal(asked(`&return=${encodeURIComponent(address)}`)?.returnTo, null);
  }
});

test("it takes a countdown of at most ten seconds, and a figure by its name alone", () => {
  for (const [text, seconds] of [
    ["0", 0],
    ["3", 3],
    ["3.7", 3],
    ["99", 10],
    ["-1", 5],
    ["x", 5],
  ] as const) {
    assert.equal(asked(`&countdown=${text}`)?.countdown, seconds);
  }
  assert.equal(asked("&speak=1&figure=push-up")?.speak, true);
  assert.equal(asked("&figure=push-up")?.figure, "push-up");
  assert.equal(asked("&figure=../../x")?.figure, null);
});

test("the app that it returns to gets the session and its outcome", () => {
  assert.equal(
    returnAddress("https://app.example/done?week=3", "s", "completed"),
    "https://app.example/done?week=3&session_id=s&outcome=completed",
  );
  assert.equal(
    returnAddress("https://app.example/done?session_id=forged", "s", "failed"),
    "https://app.example/done?session_id=s&outcome=failed",
  );
  assert.equal(
    returnAddress("myapp://done", "s", null),
    "myapp://done?session_id=s&outcome=unknown",
  );
});
