"""The kinds of values in the language. Each kind checks a node of a document's tree, and describes
itself to an editor as a JSON Schema."""

import math
import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from detection.language.issues import Report, nearest, quote
from detection.language.yaml_tree import (
    Node,
    child_path,
    parse_boolean,
    parse_number,
    plain_scalar_type,
)

# The value of a node: str, float, bool, Reference, list or dict; None for an invalid node. The
# dict of a record has no invalid or absent key, and has the defaults that aren't implied.
Value = Any
Schema = dict[str, Any]


class Kind(ABC):
    """A kind of value."""

    __slots__ = ()

    @property
    def wanted(self) -> str:
        """What a message calls it."""
        return "text"

    @property
    def node_kinds(self) -> Sequence[str]:
        """The kinds of the nodes that it may have."""
        return ("scalar",)

    def check(self, node: Node, path: str, report: Report) -> Value:
        """The value of the node at `path`; None, with an error in the report, if it is invalid."""
        report.marks[path] = node.mark
        if node.kind == "refused":
            return None
        if node.kind not in self.node_kinds:
            return report_type(self.wanted, node, path, report)
        return self._value(node, path, report)

    @abstractmethod
    def _value(self, node: Node, path: str, report: Report) -> Value:
        """The value of a node of one of the `node_kinds`."""

    @abstractmethod
    def schema(self) -> Schema:
        """The kind as a JSON Schema, a new dictionary."""


# --- Single values ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Text(Kind):
    """A string, or the own text of a plain scalar. `pattern` means the same to Python and to
    ECMA 262. A text that doesn't match it has the issue `invalid_code`. It can't be one of the
    `reserved` words."""

    pattern: str
    invalid_code: str
    expected: str
    min_length: int | None = None
    max_length: int | None = None
    reserved: tuple[str, ...] = ()

    def _value(self, node: Node, path: str, report: Report) -> str | None:
        length = len(node.text)
        if self.min_length is not None and length < self.min_length:
            message = f"{key_of(path)} needs at least {_counted(self.min_length, 'character')}."
            report.error("invalid_length", message, path)
        elif self.max_length is not None and length > self.max_length:
            allowed = f"at most {self.max_length} are allowed"
            message = f"{key_of(path)} has {length} characters; {allowed}."
            report.error("invalid_length", message, path)
        # fullmatch, because $ alone lets a last line break pass in Python.
        elif not re.fullmatch(self.pattern, node.text):
            report.error(self.invalid_code, f"{quote(node.text)} is not {self.expected}.", path)
        elif node.text in self.reserved and node.text not in report.freed_words:
            message = f"{quote(node.text)} is a reserved word: a cue's `when` could mean either."
            report.error("reserved_name", message, path)
        else:
            return node.text
        return None

    def schema(self) -> Schema:
        schema: Schema = {
            "type": ["string", "number", "boolean", "null"],
            "pattern": self.pattern,
            # Editors show it in place of the pattern.
            "patternErrorMessage": f"It must be {self.expected}.",
        }
        if self.min_length is not None:
            schema["minLength"] = self.min_length
        if self.max_length is not None:
            schema["maxLength"] = self.max_length
        if self.reserved:
            schema["not"] = {"enum": list(self.reserved)}
        return schema


@dataclass(frozen=True, slots=True)
class Choice(Kind):
    """One of a few words; or of many, which `what` names in a message."""

    values: tuple[str, ...]
    what: str = ""

    def _value(self, node: Node, path: str, report: Report) -> str | None:
        if node.text in self.values:
            return node.text
        allowed, near = self.what, ""
        if not allowed:
            allowed = f"one of {', '.join(self.values)}"
        elif found := nearest(node.text, self.values):
            near = f"; the nearest is {found}"
        message = f"{key_of(path)} must be {allowed}, not {quote(node.text)}{near}."
        report.error("invalid_value", message, path)
        return None

    def schema(self) -> Schema:
        return {"type": "string", "enum": list(self.values)}


@dataclass(frozen=True, slots=True)
class Flag(Kind):
    """True or false."""

    wanted = "true or false"

    def _value(self, node: Node, path: str, report: Report) -> bool | None:
        value = parse_boolean(node.text) if node.is_plain else None
        if value is None:
            report_type(self.wanted, node, path, report)
        return value

    def schema(self) -> Schema:
        return {"type": "boolean"}


PARAMETER_NAME = Text(
    pattern="^[a-z][a-z0-9_]{0,39}$",
    invalid_code="invalid_name",
    expected="the name of a parameter: 1 to 40 of a-z, 0-9 and _, a letter first",
)


@dataclass(frozen=True, slots=True)
class Number(Kind):
    """A number within inclusive bounds. With `takes_parameter` the name of a parameter may stand
    in its place, as `$depth`."""

    minimum: float
    maximum: float
    takes_parameter: bool = False
    is_whole: bool = False

    @property
    def wanted(self) -> str:
        return "a whole number" if self.is_whole else "a number"

    def _value(self, node: Node, path: str, report: Report) -> "float | Reference | None":
        if node.text.startswith("$"):
            return self._reference(node, path, report)
        value = parse_number(node.text) if node.is_plain else None
        if value is None or (self.is_whole and math.isfinite(value) and value % 1):
            report_type(self.wanted, node, path, report)
            return None
        if not self.minimum <= value <= self.maximum:
            bounds = f"from {self.minimum} to {self.maximum}"
            message = f"{key_of(path)} must be {bounds}, not {quote(node.text)}."
            report.error("number_out_of_range", message, path)
            return None
        return value + 0.0  # -0.0 becomes 0.0

    def _reference(self, node: Node, path: str, report: Report) -> "Reference | None":
        name = node.text.removeprefix("$")
        if not self.takes_parameter:
            message = (
                f"{key_of(path)} must be {self.wanted}, not the parameter {quote(node.text)}: one"
                " stands for a bound, a tolerance or a time alone."
            )
            report.error("wrong_type", message, path)
            return None
        if not re.fullmatch(PARAMETER_NAME.pattern, name):
            message = f"{quote(node.text)} is not $ and {PARAMETER_NAME.expected}."
            report.error(PARAMETER_NAME.invalid_code, message, path)
            return None
        return Reference(name, path, self)

    def schema(self) -> Schema:
        schema: Schema = {
            "type": "integer" if self.is_whole else "number",
            "minimum": self.minimum,
            "maximum": self.maximum,
        }
        if self.takes_parameter:
            schema["type"] = ["number", "string"]
            schema["pattern"] = PARAMETER_NAME.pattern.replace("^", "^\\$")
        return schema


@dataclass(frozen=True, slots=True)
class Reference:
    """The name of a parameter at `path`, in place of a number of that kind."""

    name: str
    path: str
    number: Number


# --- Lists and mappings ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Items(Kind):
    """A list."""

    item: Kind
    min_items: int
    max_items: int

    wanted = "a list"
    node_kinds = ("list",)

    def _value(self, node: Node, path: str, report: Report) -> list[Value]:
        _check_count(len(node.items), self, path, report)
        return [
            self.item.check(item, f"{path}[{index}]", report)
            for index, item in enumerate(node.items[: self.max_items])
        ]

    def schema(self) -> Schema:
        return {
            "type": "array",
            "items": self.item.schema(),
            "minItems": self.min_items,
            "maxItems": self.max_items,
        }


@dataclass(frozen=True, slots=True)
class Entries(Kind):
    """A mapping whose keys the author chooses, each a text of the kind `key`."""

    key: Text
    value: Kind
    min_items: int
    max_items: int

    wanted = "a mapping of keys to values"
    node_kinds = ("mapping",)

    def _value(self, node: Node, path: str, report: Report) -> dict[str, Value]:
        """The values by key: None for an invalid one."""
        _check_count(len(node.entries), self, path, report)
        values = {}
        for key, (key_node, value) in list(node.entries.items())[: self.max_items]:
            key_path = child_path(path, key)
            if re.fullmatch(self.key.pattern, key):
                values[key] = self.value.check(value, key_path, report)
            else:
                message = f"{quote(key)} is not {self.key.expected}."
                report.error(self.key.invalid_code, message, key_path, key_node.mark)
        return values

    def schema(self) -> Schema:
        return {
            "type": "object",
            "propertyNames": {"pattern": self.key.pattern},
            "additionalProperties": self.value.schema(),
            "minProperties": self.min_items,
            "maxProperties": self.max_items,
        }


@dataclass(frozen=True, slots=True)
class Alternatives(Kind):
    """A value of one of several kinds: at most one of them a list, one a mapping, one neither."""

    kinds: tuple[Kind, ...]

    @property
    def wanted(self) -> str:
        return " or ".join(kind.wanted for kind in self.kinds)

    @property
    def node_kinds(self) -> Sequence[str]:
        return [kind_of_node for kind in self.kinds for kind_of_node in kind.node_kinds]

    def _value(self, node: Node, path: str, report: Report) -> Value:
        fitting = next(kind for kind in self.kinds if node.kind in kind.node_kinds)
        return fitting.check(node, path, report)

    def schema(self) -> Schema:
        return {"anyOf": [kind.schema() for kind in self.kinds]}


def _check_count(count: int, kind: Items | Entries, path: str, report: Report) -> None:
    for code, is_broken, bound, what in (
        ("too_few_items", count < kind.min_items, kind.min_items, "at least {} needed"),
        ("too_many_items", count > kind.max_items, kind.max_items, "at most {} allowed"),
    ):
        if is_broken:
            needed = what.format("1 is" if bound == 1 else f"{bound} are")
            message = f"{key_of(path)} has {_counted(count, 'item')}; {needed}."
            report.error(code, message, path)


def key_of(path: str) -> str:
    """The last step of a path: a key, or an item of a list such as `sequence[1]`."""
    return path.rpartition(".")[2] or "The document"


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def report_type(wanted: str, node: Node, path: str, report: Report) -> None:
    if node.kind != "scalar":
        found = f"a {node.kind}"
    elif not node.is_plain:
        found = f"the quoted text {quote(node.text)}"
    elif not node.text:
        found = "nothing"
    else:
        found = f"the {plain_scalar_type(node.text)} {quote(node.text)}"
    message = f"{key_of(path)} must be {wanted}, not {found}."
    report.error("wrong_type", message, path or None, node.mark)
