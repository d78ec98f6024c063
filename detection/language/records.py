"""Records: mappings of known keys, and the rules between the keys of one record."""

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

from detection.language.issues import Report, nearest, quote
from detection.language.kinds import Kind, Schema, Value
from detection.language.yaml_tree import Node, child_path

Values = dict[str, Value]


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


class Rule(ABC):
    """A rule between the keys of one record."""

    __slots__ = ()
    code: str
    message: str

    @abstractmethod
    def broken_at(self, node: Node, values: Values, freed: frozenset[str]) -> str | None:
        """The key that breaks the rule, "" where the mapping lacks one, None where the rule is
        kept. The words of `freed` are not reserved."""

    @abstractmethod
    def schema(self) -> Schema: ...


@dataclass(frozen=True, slots=True)
class OneOf(Rule):
    """At least one of the keys is given; with `when_given`, only if one of those is."""

    keys: tuple[str, ...]
    code: str
    message: str
    when_given: tuple[str, ...] = ()

    def broken_at(self, node: Node, values: Values, freed: frozenset[str]) -> str | None:
        applies = not self.when_given or _first(node, self.when_given)
        return "" if applies and not _first(node, self.keys) else None

    def schema(self) -> Schema:
        needed = _any_given(self.keys)
        return {"if": _any_given(self.when_given), "then": needed} if self.when_given else needed


@dataclass(frozen=True, slots=True)
class Needs(Rule):
    """If one of the keys is given, one of `needed` is too."""

    keys: tuple[str, ...]
    needed: tuple[str, ...]
    code: str
    message: str

    def broken_at(self, node: Node, values: Values, freed: frozenset[str]) -> str | None:
        return None if _first(node, self.needed) else _first(node, self.keys)

    def schema(self) -> Schema:
        return {"if": _any_given(self.keys), "then": _any_given(self.needed)}


@dataclass(frozen=True, slots=True)
class Excludes(Rule):
    """None of the keys is given where `key` has one of the values; or, without values, where it
    has a mapping."""

    key: str
    values: tuple[str, ...]
    keys: tuple[str, ...]
    code: str
    message: str

    def broken_at(self, node: Node, values: Values, freed: frozenset[str]) -> str | None:
        value = values.get(self.key)
        applies = value in self.values and value not in freed
        if not self.values:
            applies = isinstance(value, dict)
        return _first(node, self.keys) if applies else None

    def schema(self) -> Schema:
        mapping = {"properties": {self.key: {"type": "object"}}, "required": [self.key]}
        return {
            "if": _has(self.key, *self.values) if self.values else mapping,
            "then": {"properties": dict.fromkeys(self.keys, False)},
        }


@dataclass(frozen=True, slots=True)
class OnlyWith(Rule):
    """The keys are given only where `key` has one of the values."""

    key: str
    values: tuple[str, ...]
    keys: tuple[str, ...]
    code: str
    message: str

    def broken_at(self, node: Node, values: Values, freed: frozenset[str]) -> str | None:
        is_kept = values.get(self.key) in (None, *self.values)
        return None if is_kept else _first(node, self.keys)

    def schema(self) -> Schema:
        return {"if": _any_given(self.keys), "then": _has(self.key, *self.values)}


@dataclass(frozen=True, slots=True)
class Narrows(Rule):
    """Where `key` has `value`, the word at `narrowed` is one of `words`."""

    key: str
    value: str
    narrowed: str
    words: tuple[str, ...]
    code: str
    message: str

    def broken_at(self, node: Node, values: Values, freed: frozenset[str]) -> str | None:
        is_allowed = values.get(self.narrowed) in (None, *self.words)
        return None if is_allowed or values.get(self.key) != self.value else self.narrowed

    def schema(self) -> Schema:
        return {
            "if": _has(self.key, self.value),
            "then": {"properties": {self.narrowed: {"enum": list(self.words)}}},
        }


@dataclass(frozen=True, slots=True)
class NotBoth(Rule):
    """None of `keys` is given beside one of `others`."""

    keys: tuple[str, ...]
    others: tuple[str, ...]
    code: str
    message: str

    def broken_at(self, node: Node, values: Values, freed: frozenset[str]) -> str | None:
        one, other = _first(node, self.keys), _first(node, self.others)
        if one is None or other is None:
            return None
        return other if _first(node, (one, other)) == one else one

    def schema(self) -> Schema:
        return {"not": {"allOf": [_any_given(self.keys), _any_given(self.others)]}}


def _first(node: Node, keys: tuple[str, ...]) -> str | None:
    """The first in the text of those keys that are given."""
    return next((key for key in node.entries if key in keys), None)


def _has(key: str, *words: str) -> Schema:
    return {"properties": {key: {"enum": list(words)}}, "required": [key]}


def _any_given(keys: tuple[str, ...]) -> Schema:
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
        conditional = [rule.schema() for rule in self.rules]
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
