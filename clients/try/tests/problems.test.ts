import assert from "node:assert/strict";
import test from "node:test";
import {KynaError} from "@kynaplatform/web";
import {droppedProblem, outcomeProblems, problemOf, rejectedProblem} from "../src/problems.js";

function told(code: string, details = {}, retryable = true): string {
  const {what, advice} = problemOf(new KynaError({code, message: "Said.", retryable, details}));
  return `${what} ${advice}`;
}

test("a limit says how long to wait", () => {
  assert.equal(
    told("rate_limited", {retry_after_seconds: 481}),
    "There were too many sessions lately. Try again in 9 minutes.",
  );
  assert.equal(
    told("rate_limited", {retry_after_seconds: 20}),
    "There were too many sessions lately. Try again in a minute.",
  );
});

test("a share of an address says whose it is", () => {
  assert.equal(
    told("rate_limited", {retry_after_seconds: 481, limit_name: "try_address"}),
    "Your network has had its share of tries for now. Try again in 9 minutes.",
  );
});

test("what the page does not know is told as the platform tells it", () => {
  assert.equal(told("database_away"), "Said. Try again in a minute.");
  assert.equal(told("recording_invalid", {}, false), "Said. ");
});

test("what refuses a visitor says what to do", () => {
  for (const code of ["project_suspended", "organization_suspended", "authorization_failed"]) {
    assert.equal(told(code, {}, false), "The page is closed for now. Try again another day.");
  }
  assert.equal(
    told("movespec_archived", {}, false),
    "This movement can't be tried any more. Choose another movement.",
  );
});

test("a fault of the page says so", () => {
  assert.equal(problemOf(new TypeError("x")).advice, "Load it again.");
});

test("an end that was not asked for is told, and one that was is not", () => {
  const end = {
    status: "",
    acceptedFrames: 0,
    repetitions: null,
    interrupted: null,
    summary: null,
    quality: null,
    endedBy: null,
    error: null,
  };
  const whats = (outcome: string) =>
    outcomeProblems({...end, outcome, missedEvents: false}).map(({what}) => what);
  assert.deepEqual(whats("completed"), []);
  assert.deepEqual(whats("max_duration"), ["The session has lasted as long as one may."]);
  assert.deepEqual(whats("suspended"), ["The server ended the session."]);
});

test("frames that did not count are told with their number", () => {
  assert.equal(droppedProblem(1).what, "1 frame was left out.");
  assert.equal(rejectedProblem("malformed_frame", 2).what, "2 frames were not counted.");
  assert.equal(
    rejectedProblem("malformed_frame", 2).advice,
    "The server's reason: malformed_frame.",
  );
});
