"""The language as a JSON Schema, for editors: completion, descriptions and checks as one types."""

from typing import Any

from detection.language import grammar
from detection.language.criteria import PARAMETER_NAME
from detection.language.declaration import MOVESPEC

Schema = dict[str, Any]

SCHEMA_ID = "urn:kynasmith:schema:movespec"


def json_schema() -> Schema:
    """The JSON Schema (draft 2020-12) of the MoveSpec language, as a new dictionary.

    It reads a document's values by the YAML 1.2 core schema, and accepts every document that
    `validate` accepts. It refuses a document that breaks a rule about one key or one mapping. It
    can't state the rules between places (names that refer to phases or parameters, unique names, a
    least bound above the greatest, sides that clash), YAML itself (anchors, tags, duplicate keys,
    .nan), and the text of a number, boolean or null that stands for a string.
    """
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": SCHEMA_ID,
        "title": "MoveSpec",
        "description": "A movement to count, as phases of joint angles and of leans.",
        "$comment": (
            "Where a string is wanted, a plain scalar's own text is taken: version: 1.0 is the"
            " label 1.0. Hence number, boolean and null beside string."
        ),
        **_of_kind(MOVESPEC),
    }


def _of_kind(kind: grammar.Kind) -> Schema:
    match kind:
        case grammar.Record():
            return _of_record(kind)
        case grammar.Items():
            return {
                "type": "array",
                "items": _of_kind(kind.item),
                "minItems": kind.min_items,
                "maxItems": kind.max_items,
            }
        case grammar.Entries():
            return {
                "type": "object",
                "propertyNames": {"pattern": kind.key.pattern},
                "additionalProperties": _of_kind(kind.value),
                "minProperties": kind.min_items,
                "maxProperties": kind.max_items,
            }
        case grammar.Alternatives():
            return {"anyOf": [_of_kind(one) for one in kind.kinds]}
        case grammar.Variants():
            return {}  # the mapping around it says which is when
        case grammar.Number():
            return _of_number(kind)
        case grammar.Flag():
            return {"type": "boolean"}
        case grammar.Choice():
            return {"type": "string", "enum": list(kind.values)}
        case grammar.Text():
            return _of_text(kind)


def _of_record(record: grammar.Record) -> Schema:
    schema: Schema = {
        "type": "object",
        "properties": {field.key: _of_field(field) for field in record.fields},
        "required": [field.key for field in record.fields if field.required],
        "additionalProperties": False,
    }
    conditional = [_of_rule(rule) for rule in record.rules]
    for field in record.fields:
        if isinstance(field.kind, grammar.Variants):
            conditional += _of_variants(field.key, field.kind)
    if conditional:
        schema["allOf"] = conditional
    return schema


def _of_variants(key: str, variants: grammar.Variants) -> list[Schema]:
    return [
        {"if": _has(variants.by, word), "then": {"properties": {key: _of_kind(kind)}}}
        for word, kind in variants.kinds.items()
    ]


def _of_field(field: grammar.Field) -> Schema:
    schema = {"description": field.description, **_of_kind(field.kind)}
    if field.default is not None:
        default = field.default
        schema["default"] = list(default) if isinstance(default, tuple) else default
    return schema


def _of_number(number: grammar.Number) -> Schema:
    schema: Schema = {
        "type": "integer" if number.is_whole else "number",
        "minimum": number.minimum,
        "maximum": number.maximum,
    }
    if number.takes_parameter:
        schema["type"] = ["number", "string"]
        schema["pattern"] = PARAMETER_NAME.pattern.replace("^", "^\\$")
    return schema


def _of_text(text: grammar.Text) -> Schema:
    schema: Schema = {
        "type": ["string", "number", "boolean", "null"],
        "pattern": text.pattern,
        # Editors show it in place of the pattern.
        "patternErrorMessage": f"It must be {text.expected}.",
    }
    if text.min_length is not None:
        schema["minLength"] = text.min_length
    if text.max_length is not None:
        schema["maxLength"] = text.max_length
    if text.reserved:
        schema["not"] = {"enum": list(text.reserved)}
    return schema


def _of_rule(rule: grammar.Rule) -> Schema:
    match rule:
        case grammar.OneOf(when_given=()):
            return _any_given(rule.keys)
        case grammar.OneOf():
            return {"if": _any_given(rule.when_given), "then": _any_given(rule.keys)}
        case grammar.Needs():
            return {"if": _any_given(rule.keys), "then": _any_given(rule.needed)}
        case grammar.NotBoth():
            return {"not": {"allOf": [_any_given(rule.keys), _any_given(rule.others)]}}
        case grammar.Excludes():
            mapping = {"properties": {rule.key: {"type": "object"}}, "required": [rule.key]}
            return {
                "if": _has(rule.key, *rule.values) if rule.values else mapping,
                "then": {"properties": dict.fromkeys(rule.keys, False)},
            }
        case grammar.OnlyWith():
            return {"if": _any_given(rule.keys), "then": _has(rule.key, *rule.values)}
        case grammar.Narrows():
            return {
                "if": _has(rule.key, rule.value),
                "then": {"properties": {rule.narrowed: {"enum": list(rule.words)}}},
            }


def _has(key: str, *words: str) -> Schema:
    return {"properties": {key: {"enum": list(words)}}, "required": [key]}


def _any_given(keys: tuple[str, ...]) -> Schema:
    return {"anyOf": [{"required": [key]} for key in keys]}
