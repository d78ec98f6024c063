import assert from "node:assert/strict";
import {test} from "node:test";
import {Backoff} from "../src/backoff.js";

test("waits grow up to the longest, each by a random part, and begin anew", () => {
  const backoff = new Backoff(100, 400);
  for (const [least, most] of [
    [50, 100],
    [100, 200],
    [200, 400],
    [200, 400],
  ] as const) {
    const ms = backoff.next();
    assert.ok(ms >= least && ms <= most, `${ms}`);
  }
  backoff.reset();
  assert.ok(backoff.next() <= 100);
});
