// The types of what the package uses of the API: the schemas that it names with all that they refer
// to, and the query parameters of its lists. Whole, they would be four fifths of the package.

import {readFile, writeFile} from "node:fs/promises";
import openapiTS, {astToString} from "openapi-typescript";
import {parse} from "yaml";

const OPERATIONS = ["session_event_list", "movespec_list"];
const SCHEMAS = [
  "EventRecord",
  "MoveSpecAnswer",
  "SessionCreate",
  "SessionCreated",
  "SessionRecord",
  "ValidationResult",
];
const REFERENCE = /#\/components\/schemas\/(\w+)/g;

const document = parse(await readFile(new URL("../../docs/openapi.yaml", import.meta.url), "utf8"));
const {schemas} = document.components;
const paths = {};
for (const [path, item] of Object.entries(document.paths)) {
  for (const [method, {operationId, parameters}] of Object.entries(item)) {
    if (OPERATIONS.includes(operationId)) {
      paths[path] = {[method]: {operationId, parameters, responses: {}}};
    }
  }
}
const used = new Set(SCHEMAS);
for (const name of used) {
  for (const [, other] of JSON.stringify(schemas[name]).matchAll(REFERENCE)) used.add(other);
}
const kept = Object.fromEntries(Object.entries(schemas).filter(([name]) => used.has(name)));
const types = await openapiTS(
  {...document, paths, components: {schemas: kept}},
  {defaultNonNullable: false},
);
await writeFile(new URL("src/openapi.ts", import.meta.url), astToString(types));
