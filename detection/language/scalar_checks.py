"""The check of a single value: a number, a word, a text, true or false."""

import math
import re
from dataclasses import dataclass

from detection.language.grammar import Choice, Entries, Flag, Items, Kind, Number, Record, Text
from detection.language.issues import Report, nearest, quote
from detection.language.texts import PARAMETER_NAME
from detection.language.yaml_scalars import parse_boolean, parse_number, plain_scalar_type
from detection.language.yaml_tree import Node


@dataclass(frozen=True, slots=True)
class Reference:
    """The name of a parameter at `path`, where it stands for one of the numbers of a kind."""

    name: str
    path: str
    number: Number


def wanted(kind: Kind) -> str:
    match kind:
        case Record() | Entries():
            return "a mapping of keys to values"
        case Items():
            return "a list"
        case Number():
            return "a whole number" if kind.is_whole else "a number"
        case Flag():
            return "true or false"
    return "text"


def check_number(node: Node, number: Number, path: str, report: Report) -> float | Reference | None:
    if node.kind == "scalar" and node.text.startswith("$"):
        return _check_reference(node, number, path, report)
    value = parse_number(node.text) if node.kind == "scalar" and node.is_plain else None
    if value is None or (number.is_whole and math.isfinite(value) and value % 1):
        report_type(wanted(number), node, path, report)
        return None
    if not number.minimum <= value <= number.maximum:
        bounds = f"from {number.minimum} to {number.maximum}"
        message = f"{key_of(path)} must be {bounds}, not {quote(node.text)}."
        report.error("number_out_of_range", message, path)
        return None
    return value + 0.0  # -0.0 becomes 0.0


def _check_reference(node: Node, number: Number, path: str, report: Report) -> Reference | None:
    name = node.text.removeprefix("$")
    if not number.takes_parameter:
        message = (
            f"{key_of(path)} must be {wanted(number)}, not the parameter {quote(node.text)}: one"
            " stands for a bound, a tolerance or a time alone."
        )
        report.error("wrong_type", message, path)
        return None
    if not re.fullmatch(PARAMETER_NAME.pattern, name):
        message = f"{quote(node.text)} is not $ and {PARAMETER_NAME.expected}."
        report.error(PARAMETER_NAME.invalid_code, message, path)
        return None
    return Reference(name, path, number)


def check_flag(node: Node, path: str, report: Report) -> bool | None:
    value = parse_boolean(node.text) if node.kind == "scalar" and node.is_plain else None
    if value is None:
        report_type(wanted(Flag()), node, path, report)
    return value


def check_choice(node: Node, choice: Choice, path: str, report: Report) -> str | None:
    if node.kind != "scalar":
        report_type("text", node, path, report)
        return None
    if node.text in choice.values:
        return node.text
    allowed, near = choice.what, ""
    if not allowed:
        allowed = f"one of {', '.join(choice.values)}"
    elif found := nearest(node.text, choice.values):
        near = f"; the nearest is {found}"
    message = f"{key_of(path)} must be {allowed}, not {quote(node.text)}{near}."
    report.error("invalid_value", message, path)
    return None


def check_text(node: Node, text: Text, path: str, report: Report) -> str | None:
    if node.kind != "scalar":
        report_type("text", node, path, report)
        return None
    length = len(node.text)
    if text.min_length is not None and length < text.min_length:
        message = f"{key_of(path)} needs at least {counted(text.min_length, 'character')}."
        report.error("invalid_length", message, path)
    elif text.max_length is not None and length > text.max_length:
        message = f"{key_of(path)} has {length} characters; at most {text.max_length} are allowed."
        report.error("invalid_length", message, path)
    # fullmatch, because $ alone lets a last line break pass in Python.
    elif not re.fullmatch(text.pattern, node.text):
        report.error(text.invalid_code, f"{quote(node.text)} is not {text.expected}.", path)
    elif node.text in text.reserved and node.text not in report.freed_words:
        message = f"{quote(node.text)} is a reserved word: a cue's `when` could mean either."
        report.error("reserved_name", message, path)
    else:
        return node.text
    return None


def key_of(path: str) -> str:
    """The last step of a path: a key, or an item of a list such as `sequence[1]`."""
    return path.rpartition(".")[2] or "The document"


def counted(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def report_type(wanted: str, node: Node, path: str, report: Report) -> None:
    message = f"{key_of(path)} must be {wanted}, not {_describe(node)}."
    report.error("wrong_type", message, path or None, node.mark)


def _describe(node: Node) -> str:
    if node.kind != "scalar":
        return f"a {node.kind}"
    if not node.is_plain:
        return f"the quoted text {quote(node.text)}"
    if not node.text:
        return "nothing"
    return f"the {plain_scalar_type(node.text)} {quote(node.text)}"
