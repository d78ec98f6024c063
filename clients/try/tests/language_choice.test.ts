import assert from "node:assert/strict";
import {test} from "node:test";
import {lookup} from "../src/language_choice.js";

test("the longest tag that a locale begins with", () => {
  const tags = ["de", "de-AT", "en", "pt-BR"];
  const found = ["de-at", "de-CH", "DE", "den", "pt", "pt-BR-x", ""].map((one) =>
    lookup(tags, one),
  );
  assert.deepEqual(found, ["de-AT", "de", "de", null, null, "pt-BR", null]);
});
