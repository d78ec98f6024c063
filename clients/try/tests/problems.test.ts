import assert from "node:assert/strict";
import test from "node:test";
import {KynaError} from "@kynaplatform/web";
import {problemOf} from "../src/problems.js";

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

test("what the page does not know is told as the platform tells it", () => {
  assert.equal(told("database_away"), "Said. Try again in a minute.");
  assert.equal(told("project_suspended", {}, false), "Said. ");
});

test("a fault of the page says so", () => {
  assert.equal(problemOf(new TypeError("x")).advice, "Load it again.");
});
