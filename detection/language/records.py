"""Records: mappings of known keys, and the rules between the keys of one record."""

import re
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass

from detection.language.issues import Report, nearest, quote
from detection.language.kinds import Kind, Schema, Value
from detection.language.yaml_tree import Node, child_path

Values = dict[str, Value]
Keys = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Variants:
    """The kind that the word at the key `by` of the same mapping chooses; without one, the
    first."""

    by: str
    kinds: Mapping[str, Kind]

    def chosen(self, node: Node) -> Kind:
        """The kind of the word that is there or is meant."""
        word = node.entries[self.by][1].text if self.by in node.entries else ""
        return self.kinds[nearest(word, self.kinds) or next(iter(self.kinds))]


@dataclass(frozen=True, slots=True)
class Field:
    """A key of a mapping. An absent key has the `default`. An implied default is documented, and
    not filled into a document's values."""

    key: str
    kind: Kind | Variants
    description: str
    required: bool = False
    default: str | float | bool | tuple[()] | None = None
    is_implied: bool = False

    def check(self, parent: Node, parent_path: str, report: Report) -> Value:
        path = child_path(parent_path, self.key)
        if self.key in parent.entries:
            kind = self.kind.chosen(parent) if isinstance(self.kind, Variants) else self.kind
            return kind.check(parent.entries[self.key][1], path, report)
        if self.required:
            report.error("missing_key", f"The key {self.key} is missing here.", path, parent.mark)
        if self.is_implied:
            return None
        return list(self.default) if isinstance(self.default, tuple) else self.default

    def schema(self) -> Schema:
        schema: Schema = {"description": self.description}
        if isinstance(self.kind, Kind):  # the record says which variant is when
            schema |= self.kind.schema()
        if self.default is not None:
            schema["default"] = list(self.default) if self.default == () else self.default
        return schema


# --- Rules between keys ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule between the keys of one record.

    `broken_at` tells the key that breaks it, "" where the mapping lacks one, None where it is kept.
    It takes the words that are not reserved, too.
    """

    code: str
    message: str
    broken_at: Callable[[Node, Values, frozenset[str]], str | None]
    schema: Schema


def one_of(keys: Keys, code: str, message: str, when_given: Keys = ()) -> Rule:
    """At least one of the keys is given; with `when_given`, only if one of those is."""

    def broken_at(node: Node, values: Values, freed: frozenset[str]) -> str | None:
        applies = not when_given or _first(node, when_given)
        return "" if applies and not _first(node, keys) else None

    needed = _any_given(keys)
    schema = {"if": _any_given(when_given), "then": needed} if when_given else needed
    return Rule(code, message, broken_at, schema)


def needs(keys: Keys, needed: Keys, code: str, message: str) -> Rule:
    """If one of the keys is given, one of `needed` is too."""

    def broken_at(node: Node, values: Values, freed: frozenset[str]) -> str | None:
        return None if _first(node, needed) else _first(node, keys)

    return Rule(code, message, broken_at, {"if": _any_given(keys), "then": _any_given(needed)})


def excludes(key: str, words: Keys, keys: Keys, code: str, message: str) -> Rule:
    """None of the keys is given where `key` has one of the words; or, without words, where it has
    a mapping."""

    def broken_at(node: Node, values: Values, freed: frozenset[str]) -> str | None:
        value = values.get(key)
        applies = value in words and value not in freed if words else isinstance(value, dict)
        return _first(node, keys) if applies else None

    mapping = {"properties": {key: {"type": "object"}}, "required": [key]}
    schema = {
        "if": _has(key, *words) if words else mapping,
        "then": {"properties": dict.fromkeys(keys, False)},
    }
    return Rule(code, message, broken_at, schema)


def only_with(key: str, words: Keys, keys: Keys, code: str, message: str) -> Rule:
    """The keys are given only where `key` has one of the words."""

    def broken_at(node: Node, values: Values, freed: frozenset[str]) -> str | None:
        return None if values.get(key) in (None, *words) else _first(node, keys)

    return Rule(code, message, broken_at, {"if": _any_given(keys), "then": _has(key, *words)})


def narrows(key: str, value: str, narrowed: str, words: Keys, code: str, message: str) -> Rule:
    """Where `key` has `value`, the word at `narrowed` is one of `words`."""

    def broken_at(node: Node, values: Values, freed: frozenset[str]) -> str | None:
        is_allowed = values.get(narrowed) in (None, *words)
        return None if is_allowed or values.get(key) != value else narrowed

    allowed = {"properties": {narrowed: {"enum": list(words)}}}
    return Rule(code, message, broken_at, {"if": _has(key, value), "then": allowed})


def not_both(keys: Keys, others: Keys, code: str, message: str) -> Rule:
    """None of `keys` is given beside one of `others`."""

    def broken_at(node: Node, values: Values, freed: frozenset[str]) -> str | None:
        one, other = _first(node, keys), _first(node, others)
        if one is None or other is None:
            return None
        return other if _first(node, (one, other)) == one else one

    schema = {"not": {"allOf": [_any_given(keys), _any_given(others)]}}
    return Rule(code, message, broken_at, schema)


def _first(node: Node, keys: Keys) -> str | None:
    """The first in the text of those keys that are given."""
    return next((key for key in node.entries if key in keys), None)


def _has(key: str, *words: str) -> Schema:
    return {"properties": {key: {"enum": list(words)}}, "required": [key]}


def _any_given(keys: Keys) -> Schema:
    return {"anyOf": [{"required": [key]} for key in keys]}


# --- Records ---------------------------------------------------------------------------------

_WORD = re.compile(r"[^\s:]*")


@dataclass(frozen=True, slots=True)
class Record(Kind):
    """A mapping of known keys. The first broken rule is reported. `misplaced` has a sentence for
    each key that the language has elsewhere."""

    fields: tuple[Field, ...]
    rules: tuple[Rule, ...] = ()
    misplaced: Mapping[str, str] | None = None

    wanted = "a mapping of keys to values"
    node_kinds = ("mapping",)

    def _value(self, node: Node, path: str, report: Report) -> Values:
        known = [field.key for field in self.fields]
        misplaced = self.misplaced or {}
        for key, (key_node, value) in node.entries.items():
            if key in known or report.is_full:
                continue
            if key in misplaced:
                code, message = "misplaced_key", misplaced[key]
            else:
                code, message = "unknown_key", _unknown_key(key, value, known)
            report.error(code, message, child_path(path, key), key_node.mark)
        values = {}
        for field in self.fields:
            value = field.check(node, path, report)
            if value is not None:
                values[field.key] = value
        for rule in self.rules:
            wrong = rule.broken_at(node, values, report.freed_words)
            if wrong is not None:
                report.error(rule.code, rule.message, child_path(path, wrong) if wrong else path)
                break
        return values

    def schema(self) -> Schema:
        schema: Schema = {
            "type": "object",
            "properties": {field.key: field.schema() for field in self.fields},
            "required": [field.key for field in self.fields if field.required],
            "additionalProperties": False,
        }
        conditional = [deepcopy(rule.schema) for rule in self.rules]
        conditional += [
            {"if": _has(field.kind.by, word), "then": {"properties": {field.key: kind.schema()}}}
            for field in self.fields
            if isinstance(field.kind, Variants)
            for word, kind in field.kind.kinds.items()
        ]
        if conditional:
            schema["allOf"] = conditional
        return schema


def _unknown_key(key: str, value: Node, known: list[str]) -> str:
    word = _WORD.match(key)[0]  # type: ignore[index]
    # As `knee` is where braces hold `joint knee`.
    if word in known and value.is_plain and not value.text:
        return f"A colon and a space must follow {quote(word)}."
    near = nearest(key, known)
    hint = f"nearest known key is {near}" if near else f"known keys are {', '.join(known)}"
    return f"Unknown key {quote(key)}; the {hint}."
