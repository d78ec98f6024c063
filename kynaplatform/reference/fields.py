"""The fields of a JSON Schema, each as a row of a page."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.utils.safestring import SafeString

from kynaplatform.reference.markup import sentence

Schema = dict[str, Any]
TYPES = {"array": "list", "boolean": "true or false", "date-time": "time", "uuid": "UUID"}
BOUNDS = {
    "minimum": "at least {}",
    "maximum": "at most {}",
    "minItems": "at least {} of them",
    "maxItems": "at most {} of them",
    "maxLength": "at most {} characters",
}


@dataclass(frozen=True)
class Field:
    """A field, a parameter or a header; `fields` are those inside of it."""

    name: str
    type: str
    description: SafeString
    is_required: bool
    values: tuple[str, ...] = ()
    bounds: str = ""
    default: str | None = None
    fields: tuple["Field", ...] = ()


def fields_of(schema: Schema, components: dict[str, Schema]) -> tuple[Field, ...]:
    """The fields of an object, or of the items of a list; none of what is neither."""
    found = _resolved(schema, components)
    if found.get("type") == "array":
        found = _resolved(found["items"], components)
    required = found.get("required", [])
    return tuple(
        field_of(name, inner, components, is_required=name in required)
        for name, inner in found.get("properties", {}).items()
    )


def field_of(
    name: str, schema: Schema, components: dict[str, Schema], *, is_required: bool
) -> Field:
    choices = [_resolved(one, components) for one in schema.get("anyOf", [schema])]
    told = [one for one in choices if one.get("type") != "null"]
    types = " or ".join([*dict.fromkeys(map(_type, told)), *["null"] * (len(told) < len(choices))])
    items = [_resolved(one["items"], components) for one in told if "items" in one]
    default = schema.get("default")
    description = schema.get("description") or told[0].get("description", "")
    values = [value for one in (*told, *items) for value in one.get("enum", ())]
    if all(f"`{value}`" in description for value in values):
        values = []
    return Field(
        name=name,
        type=types,
        description=sentence(description),
        is_required=is_required,
        values=tuple(values),
        bounds=", ".join(bound for one in told for bound in _bounds(one)),
        default=default if default is None or isinstance(default, str) else json.dumps(default),
        fields=tuple(field for one in told for field in fields_of(one, components)),
    )


def _type(schema: Schema) -> str:
    type_: str = schema.get("format") or schema.get("type") or "string"
    return TYPES.get(type_, type_)


def _bounds(schema: Schema) -> Iterator[str]:
    for name, words in BOUNDS.items():
        if name in schema:
            yield words.format(f"{schema[name]:,}")


def _resolved(schema: Schema, components: dict[str, Schema]) -> Schema:
    """What a `$ref` points at, under what is said beside it; anything else is itself."""
    if "$ref" not in schema:
        return schema
    found = components[schema["$ref"].rpartition("/")[2]]
    return {**found, **{name: value for name, value in schema.items() if name != "$ref"}}
