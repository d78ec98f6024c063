"""The check of a tree of nodes by a declared kind: values where it fits, else issues."""

import re
from typing import Any

from detection.language.grammar import (
    Choice,
    Excludes,
    Field,
    Flag,
    Items,
    Kind,
    Needs,
    NotBoth,
    Number,
    OneOf,
    Record,
    Rule,
    Text,
)
from detection.language.issues import Report, nearest, quote
from detection.language.missing_colons import first_word, missing_colon
from detection.language.yaml_scalars import parse_boolean, parse_number, plain_scalar_type
from detection.language.yaml_tree import Node, child_path

# The value of a node: str, float, bool, list or dict, and None where the node is not valid. An
# invalid or absent key is missing from its dict; a default is in it like a given value.
Value = Any


def check(node: Node, kind: Kind, path: str, report: Report) -> Value:
    report.marks[path] = node.mark
    if node.kind == "refused":
        return None
    match kind:
        case Record():
            return _check_record(node, kind, path, report)
        case Items():
            return _check_items(node, kind, path, report)
        case Number():
            return _check_number(node, kind, path, report)
        case Flag():
            return _check_flag(node, path, report)
        case Choice():
            return _check_choice(node, kind, path, report)
        case Text():
            return _check_text(node, kind, path, report)


def _check_record(node: Node, record: Record, path: str, report: Report) -> dict[str, Value] | None:
    if node.kind != "mapping":
        _report_type("a mapping of keys to values", node, path, report)
        return None
    known = {field.key: field for field in record.fields}
    for key, (key_node, value) in node.entries.items():
        if key not in known and not report.is_full:
            message = _unknown_key(key, value, list(known))
            report.error("unknown_key", message, child_path(path, key), key_node.mark)
    values = {}
    for field in record.fields:
        value = _check_field(node, field, path, report)
        if value is not None:
            values[field.key] = value
    _check_rules(node, record, values, path, report)
    return values


def _unknown_key(key: str, value: Node, known: list[str]) -> str:
    is_empty = value.is_plain and not value.text
    if is_empty and first_word(key) in known:  # as `knee` is where braces hold `joint knee`
        return missing_colon(key)
    near = nearest(key, known)
    told = f"nearest known key is {near}" if near else f"known keys are {', '.join(known)}"
    return f"Unknown key {quote(key)}; the {told}."


def _check_field(node: Node, field: Field, path: str, report: Report) -> Value:
    field_path = child_path(path, field.key)
    if field.key in node.entries:
        return check(node.entries[field.key][1], field.kind, field_path, report)
    if field.required:
        message = f"The key {field.key} is missing here."
        report.error("missing_key", message, field_path, node.mark)
    return list(field.default) if isinstance(field.default, tuple) else field.default


def _check_rules(
    node: Node, record: Record, values: dict[str, Value], path: str, report: Report
) -> None:
    for rule in record.rules:
        given = [key for key in node.entries if key in rule.keys]
        if _is_broken(rule, given, node, values):
            # The first key that should not be there, or the mapping that lacks one.
            wrong = given[1:] if isinstance(rule, NotBoth) else given
            at = child_path(path, wrong[0]) if wrong else path
            report.error(rule.code, rule.message, at)
            return


def _is_broken(rule: Rule, given: list[str], node: Node, values: dict[str, Value]) -> bool:
    match rule:
        case OneOf():
            applies = not rule.when_given or _has_any(node, rule.when_given)
            return applies and not given
        case Needs():
            return bool(given) and not _has_any(node, rule.needed)
        case NotBoth():
            return len(given) > 1
        case Excludes():
            return bool(given) and values.get(rule.key) in rule.values


def _has_any(node: Node, keys: tuple[str, ...]) -> bool:
    return any(key in node.entries for key in keys)


def _check_items(node: Node, items: Items, path: str, report: Report) -> list[Value] | None:
    if node.kind != "list":
        _report_type("a list", node, path, report)
        return None
    count = len(node.items)
    if count < items.min_items:
        message = (
            f"{_key(path)} has {_counted(count, 'item')}; at least {items.min_items} are needed."
        )
        report.error("too_few_items", message, path)
    if count > items.max_items:
        message = f"{_key(path)} has {count} items; at most {items.max_items} are allowed."
        report.error("too_many_items", message, path)
    return [
        check(item, items.item, f"{path}[{index}]", report)
        for index, item in enumerate(node.items[: items.max_items])
    ]


def _check_number(node: Node, number: Number, path: str, report: Report) -> float | None:
    value = parse_number(node.text) if node.kind == "scalar" and node.is_plain else None
    if value is None:
        _report_type("a number", node, path, report)
        return None
    if not number.minimum <= value <= number.maximum:
        bounds = f"from {number.minimum} to {number.maximum}"
        message = f"{_key(path)} must be {bounds}, not {quote(node.text)}."
        report.error("number_out_of_range", message, path)
        return None
    return value + 0.0  # -0.0 becomes 0.0


def _check_flag(node: Node, path: str, report: Report) -> bool | None:
    value = parse_boolean(node.text) if node.kind == "scalar" and node.is_plain else None
    if value is None:
        _report_type("true or false", node, path, report)
    return value


def _check_choice(node: Node, choice: Choice, path: str, report: Report) -> str | None:
    if node.kind != "scalar":
        _report_type("text", node, path, report)
        return None
    if node.text in choice.values:
        return node.text
    allowed = f"{'one of ' if len(choice.values) > 1 else ''}{', '.join(choice.values)}"
    message = f"{_key(path)} must be {allowed}, not {quote(node.text)}."
    report.error("invalid_value", message, path)
    return None


def _check_text(node: Node, text: Text, path: str, report: Report) -> str | None:
    if node.kind != "scalar":
        _report_type("text", node, path, report)
        return None
    length = len(node.text)
    if text.min_length is not None and length < text.min_length:
        message = f"{_key(path)} needs at least {_counted(text.min_length, 'character')}."
        report.error("invalid_length", message, path)
    elif text.max_length is not None and length > text.max_length:
        message = f"{_key(path)} has {length} characters; at most {text.max_length} are allowed."
        report.error("invalid_length", message, path)
    # fullmatch, because $ alone lets a last line break pass in Python.
    elif not re.fullmatch(text.pattern, node.text):
        report.error(text.invalid_code, f"{quote(node.text)} is not {text.expected}.", path)
    elif node.text in text.reserved:
        message = f"{quote(node.text)} is a reserved word: a cue's `when` could mean either."
        report.error("reserved_name", message, path)
    else:
        return node.text
    return None


def _key(path: str) -> str:
    """The last step of a path: a key, or an item of a list such as `sequence[1]`."""
    return path.rpartition(".")[2] or "The document"


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _report_type(wanted: str, node: Node, path: str, report: Report) -> None:
    message = f"{_key(path)} must be {wanted}, not {_describe(node)}."
    report.error("wrong_type", message, path or None, node.mark)


def _describe(node: Node) -> str:
    if node.kind != "scalar":
        return f"a {node.kind}"
    if not node.is_plain:
        return f"the quoted text {quote(node.text)}"
    if not node.text:
        return "nothing"
    return f"the {plain_scalar_type(node.text)} {quote(node.text)}"
