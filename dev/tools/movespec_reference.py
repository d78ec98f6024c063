"""`make reference`: docs/movespec/reference.md, from the JSON Schema of the language.

A table for each mapping, with what an editor shows of each key. `make check` compares it. A key and
a word that no shipped movement uses are experimental.
"""

import re
import sys
from collections.abc import Iterator
from functools import cache
from textwrap import fill
from typing import Any

import yaml

from detection import json_schema
from dev.local_stack.console import say
from dev.local_stack.environment import PROJECT
from dev.poses.figure import MOVEMENTS
from dev.tools.course import FOLDER, runs

# Of the phases: a part of the language that is no word.
MORE_THAN_TWO = "more than two"
CATALOGUE = PROJECT / "examples" / "movespecs"
PAGE = PROJECT / "docs" / "movespec" / "reference.md"
Schema = dict[str, Any]
HEAD = """\
<!-- Made by `make reference` from detection/language. -->

# Reference

Every key, as the JSON Schema at `GET /api/schema/movespec` has it. [An editor](editor.md) shows the
same as you type. `[]` stands for each item of a list, and `*` for a name that you choose. What a
name, a text and a number may be is on the page on [YAML](issues.md#yaml).

A key is **experimental** until [the catalogue](../../examples/movespecs/) uses it, or [the
cookbook](cookbook.md) in a movement that the figure also does badly. It works as described here,
and may change.
"""
_LENGTHS = {"minLength": "at least {} character", "maxLength": "at most {} characters"}


@cache
def used() -> set[str]:
    """The parts of the language that the catalogue uses, or the cookbook in a movement that the
    figure also performs badly."""
    made = [
        path.read_text(encoding="utf-8")
        for path in sorted(CATALOGUE.glob("*.yaml"))
        if path.stem in MOVEMENTS
    ]
    badly = (run for page in sorted(FOLDER.glob("cookbook*.md")) for run in runs(page))
    made += [run.source for run in badly if "--variant" in run.performed]
    return set().union(*map(used_in, made))


def used_in(source: str) -> set[str]:
    """The parts of the language that a MoveSpec uses: `path.key`, and `path.key: word`."""
    found = set()

    def walk(value: object, path: str) -> None:
        if isinstance(value, dict):
            for key, of in value.items():
                place = f"{path}.{key}" if path else str(key)
                found.add(place)
                walk(of, place)
        elif isinstance(value, list):
            if len(value) > 2:
                found.add(f"{path}: {MORE_THAN_TWO}")
            for of in value:
                walk(of, f"{path}[]")
        else:
            found.add(f"{path}: {str(value).lower() if isinstance(value, bool) else value}")

    walk(yaml.safe_load(source), "")
    return {re.sub(r"^(detection\.parameters)\.\w+", r"\1.*", one) for one in found}


def _is_used(places: list[str], key: str, word: str = "") -> bool:
    asked = (f"{place}.{key}".removeprefix(".") for place in places)
    return any((f"{one}: {word}" if word else one) in used() for one in asked)


def _words(schema: Schema) -> list[str]:
    """The words of a key, of which each does something else. Its default is used where none is."""
    if "anyOf" in schema:
        return [word for one in schema["anyOf"] for word in _words(one)]
    if "criteria" in schema.get("items", {}).get("properties", {}) and schema["maxItems"] > 2:
        return [MORE_THAN_TWO]
    words = schema.get("enum", ())
    return [] if len(words) > 20 else [word for word in words if word != schema.get("default")]


def reference() -> str:
    parts = [HEAD]
    mappings = _mappings()
    # All paths at which a key stands alike.
    paths: dict[str, list[str]] = {}
    for places, schema in mappings:
        for key, of in schema["properties"].items():
            # Of "`detection.movement` of a hold" the path; the document has none.
            found = (place.split("`")[1] if "`" in place else "" for place in places)
            paths.setdefault(f"{key} {of}", []).extend(found)
    described: dict[str, str] = {}
    for (first, *others), schema in mappings:
        parts.append(f"## {first}\n")
        if others:
            parts.append(fill(f"Also {', '.join(others)}.", 100, break_on_hyphens=False) + "\n")
        parts.append("| key | what it is | value | default |\n|---|---|---|---|")
        alike: dict[str, list[str]] = {}
        for key, of in schema["properties"].items():
            if (where := described.get(f"{key} {of}")) is not None:
                alike.setdefault(where, []).append(f"`{key}`")
            else:
                is_required = key in schema["required"]
                parts.append(_row(key, of, paths[f"{key} {of}"], is_required=is_required))
                described[f"{key} {of}"] = first
        for where, keys in alike.items():
            parts.append(f"| {', '.join(keys)} | As in {where[0].lower()}{where[1:]}. | | |")
        parts.append("")
    return "\n".join(parts)


def _mappings() -> list[tuple[list[str], Schema]]:
    """Each mapping with all places at which it may stand, in the order of the first."""
    found: dict[str, tuple[list[str], Schema]] = {}
    for path, word, schema in _objects(json_schema(), "", ""):
        places, _ = found.setdefault(str(schema["properties"]), ([], schema))
        place = f"`{path}`{word and f' of a {word}'}" if path else "The document"
        if place not in places:
            places.append(place)
    return list(found.values())


def _objects(schema: Schema, path: str, word: str) -> Iterator[tuple[str, str, Schema]]:
    if "properties" in schema and "type" in schema:
        yield path, word, schema
        variants = _variants(schema)
        for key, of in schema["properties"].items():
            for each, one in variants.get(key, {"": of}).items():
                yield from _objects(one, f"{path}.{key}" if path else key, each)
    for one in schema.get("anyOf", ()):
        yield from _objects(one, path, "")
    if "items" in schema:
        yield from _objects(schema["items"], f"{path}[]", "")
    if isinstance(of := schema.get("additionalProperties"), dict):
        yield from _objects(of, f"{path}.*", "")


def _variants(schema: Schema) -> dict[str, dict[str, Schema]]:
    """The keys whose mapping depends on a word: key → word → mapping."""
    found: dict[str, dict[str, Schema]] = {}
    for one in schema.get("allOf", ()):
        for key, of in one.get("then", {}).get("properties", {}).items():
            if isinstance(of, dict) and "type" in of:
                [word] = next(iter(one["if"]["properties"].values()))["enum"]
                found.setdefault(key, {})[word] = of
    return found


def _row(key: str, schema: Schema, places: list[str], *, is_required: bool) -> str:
    default = "required" if is_required else _code(schema["default"]) if "default" in schema else ""
    said = schema["description"]
    if not _is_used(places, key):
        said = f"**Experimental.** {said}"
    elif words := [word for word in _words(schema) if not _is_used(places, key, word)]:
        said = f"{said} Experimental: {', '.join(f'`{word}`' for word in words)}."
    return f"| `{key}` | {said} | {_value(schema)} | {default} |"


def _value(schema: Schema) -> str:
    if "anyOf" in schema:
        return ", or ".join(map(_value, schema["anyOf"]))
    if "enum" in schema:
        words = schema["enum"]
        return "a landmark" if len(words) > 20 else ", ".join(f"`{word}`" for word in words)
    match schema.get("type"):
        case "array" if schema["minItems"] == schema["maxItems"]:
            return f"list of {schema['minItems']}"
        case "array":
            return f"list of {schema['minItems']} to {schema['maxItems']}"
        case "object" if "maxProperties" in schema:
            return f"mapping of {schema['minProperties']} to {schema['maxProperties']}"
        case "boolean":
            return "`true`, `false`"
        case "number":
            return _between(schema)
        case "integer":
            return f"whole, {_between(schema)}"
        case ["number", "string"]:
            return f"{_between(schema)} or `$name`"
        case ["string", *_]:
            return _text(schema)
    return "mapping"


def _between(schema: Schema) -> str:
    return f"{schema['minimum']:,} to {schema['maximum']:,}"


def _text(schema: Schema) -> str:
    lengths = [words.format(schema[key]) for key, words in _LENGTHS.items() if key in schema]
    said = schema["patternErrorMessage"].removeprefix("It must be ").removesuffix(".")
    return ", ".join([said.partition(":")[0], *lengths])


def _code(value: object) -> str:
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{value:g}`" if isinstance(value, float) else f"`{value}`"


def main() -> int:
    PAGE.write_text(reference(), encoding="utf-8")
    say(f"reference | {PAGE.relative_to(PROJECT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
