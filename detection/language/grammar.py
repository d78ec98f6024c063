"""The vocabulary in which the language is declared: kinds of values, and rules between keys.

A declaration says each thing once. checking.py reads it to validate a document, json_schema.py to
describe the language to an editor.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A string, or the own text of a plain scalar. `pattern` means the same to Python and to
    ECMA 262. A text that doesn't match it has the issue `invalid_code`. It can't be one of the
    `reserved` words."""

    pattern: str
    invalid_code: str
    expected: str
    min_length: int | None = None
    max_length: int | None = None
    reserved: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a few words; or of many, which `what` names in a message."""

    values: tuple[str, ...]
    what: str = ""


@dataclass(frozen=True, slots=True)
class Number:
    """A number within inclusive bounds. With `takes_parameter` the name of a parameter may stand
    in its place, as `$depth`."""

    minimum: float
    maximum: float
    takes_parameter: bool = False
    is_whole: bool = False


@dataclass(frozen=True, slots=True)
class Flag:
    """True or false."""


@dataclass(frozen=True, slots=True)
class Items:
    """A list."""

    item: "Kind"
    min_items: int
    max_items: int


@dataclass(frozen=True, slots=True)
class Entries:
    """A mapping whose keys the author chooses, each a text of the kind `key`."""

    key: Text
    value: "Kind"
    min_items: int
    max_items: int


@dataclass(frozen=True, slots=True)
class Alternatives:
    """A value of one of several kinds: at most one of them a list, one a mapping, one neither."""

    kinds: tuple["Kind", ...]


@dataclass(frozen=True, slots=True)
class Variants:
    """The kind that the word at the key `by` of the same mapping chooses; without one, the
    first."""

    by: str
    kinds: Mapping[str, "Kind"]


@dataclass(frozen=True, slots=True)
class Field:
    """A key of a mapping. An absent key has the `default`. An implied default is documented, and
    not filled into a document's values."""

    key: str
    kind: "Kind"
    description: str
    required: bool = False
    default: str | float | bool | tuple[()] | None = None
    is_implied: bool = False


@dataclass(frozen=True, slots=True)
class OneOf:
    """At least one of the keys is given; with `when_given`, only if one of those is."""

    keys: tuple[str, ...]
    code: str
    message: str
    when_given: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Needs:
    """If one of the keys is given, one of `needed` is too."""

    keys: tuple[str, ...]
    needed: tuple[str, ...]
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Excludes:
    """None of the keys is given where `key` has one of the values; or, without values, where it
    has a mapping."""

    key: str
    values: tuple[str, ...]
    keys: tuple[str, ...]
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class OnlyWith:
    """The keys are given only where `key` has one of the values."""

    key: str
    values: tuple[str, ...]
    keys: tuple[str, ...]
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Narrows:
    """Where `key` has `value`, the word at `narrowed` is one of `words`."""

    key: str
    value: str
    narrowed: str
    words: tuple[str, ...]
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class NotBoth:
    """None of `keys` is given beside one of `others`."""

    keys: tuple[str, ...]
    others: tuple[str, ...]
    code: str
    message: str


Rule = OneOf | Needs | Excludes | OnlyWith | Narrows | NotBoth


@dataclass(frozen=True, slots=True)
class Record:
    """A mapping of known keys. The first broken rule is reported. `misplaced` has a sentence for
    each key that the language has elsewhere."""

    fields: tuple[Field, ...]
    rules: tuple[Rule, ...] = ()
    misplaced: Mapping[str, str] | None = None


Kind = Text | Choice | Number | Flag | Items | Entries | Record | Alternatives | Variants


def keys_of(kind: Kind) -> Iterator[str]:
    """All keys within a kind."""
    match kind:
        case Record(fields=fields):
            for field in fields:
                yield field.key
                yield from keys_of(field.kind)
        case Items(item=inner) | Entries(value=inner):
            yield from keys_of(inner)
        case Alternatives(kinds=kinds):
            for one in kinds:
                yield from keys_of(one)
        case Variants(kinds=by_word):
            for one in by_word.values():
                yield from keys_of(one)
