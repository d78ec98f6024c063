"""The vocabulary in which the language is declared: kinds of values, and rules between keys.

A declaration says each thing once; checking.py reads it to validate a document and json_schema.py
to describe the language to an editor.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A string, for which a plain scalar's own text is taken. `pattern` means the same to Python
    and to ECMA 262; `invalid_code` is the issue when it does not match."""

    pattern: str
    invalid_code: str
    expected: str
    min_length: int | None = None
    max_length: int | None = None
    reserved: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a few words."""

    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Number:
    """A number within bounds, both inclusive."""

    minimum: float
    maximum: float


@dataclass(frozen=True, slots=True)
class Flag:
    """True or false."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Items:
    """A list."""

    item: "Kind"
    min_items: int
    max_items: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A key of a mapping. `default` is in force when an optional key is absent."""

    key: str
    kind: "Kind"
    description: str
    required: bool = False
    default: str | int | bool | tuple[()] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OneOf:
    """At least one of the keys is given. With `when_given`, only if one of those is."""

    keys: tuple[str, ...]
    when_given: tuple[str, ...] = ()
    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """If one of the keys is given, one of `needed` is too."""

    keys: tuple[str, ...]
    needed: tuple[str, ...]
    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Excludes:
    """None of the keys is given with `key` at one of the values."""

    key: str
    values: tuple[str, ...]
    keys: tuple[str, ...]
    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NotBoth:
    """At most one of the keys is given."""

    keys: tuple[str, str]
    code: str
    message: str


Rule = OneOf | Needs | Excludes | NotBoth


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A mapping of known keys. Of its rules, the first that is broken is reported."""

    fields: tuple[Field, ...]
    rules: tuple[Rule, ...] = ()


Kind = Text | Choice | Number | Flag | Items | Record


def keys_of(kind: Kind) -> frozenset[str]:
    """All keys within a kind."""
    match kind:
        case Record(fields=fields):
            return frozenset(field.key for field in fields).union(
                *(keys_of(field.kind) for field in fields)
            )
        case Items(item=item):
            return keys_of(item)
    return frozenset()
