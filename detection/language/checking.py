"""The check of a tree of nodes by a declared kind: values where it fits, else issues."""

import math
import re
from dataclasses import dataclass
from typing import Any

from detection.language import grammar
from detection.language.criteria import PARAMETER_NAME
from detection.language.issues import Report, nearest, quote
from detection.language.yaml_text import first_word, is_before_bracket, missing_colon
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


@dataclass(frozen=True, slots=True)
class Reference:
    """The name of a parameter at `path`, in place of a number of that kind."""

    name: str
    path: str
    number: grammar.Number


def check(node: Node, kind: grammar.Kind, path: str, report: Report) -> Value:
    report.marks[path] = node.mark
    if node.kind == "refused":
        return None
    match kind:
        case grammar.Record():
            return _check_record(node, kind, path, report)
        case grammar.Items():
            return _check_items(node, kind, path, report)
        case grammar.Entries():
            return _check_entries(node, kind, path, report)
        case grammar.Alternatives():
            return _check_alternatives(node, kind, path, report)
        case grammar.Variants():
            raise TypeError("the mapping around it chooses which")
        case grammar.Number():
            return _check_number(node, kind, path, report)
        case grammar.Flag():
            value = parse_boolean(node.text) if node.kind == "scalar" and node.is_plain else None
            if value is None:
                _report_type(_wanted(kind), node, path, report)
            return value
        case grammar.Choice():
            return _check_choice(node, kind, path, report)
        case grammar.Text():
            return _check_text(node, kind, path, report)


# --- Mappings and lists ----------------------------------------------------------------------


def _check_record(
    node: Node, record: grammar.Record, path: str, report: Report
) -> dict[str, Value] | None:
    if node.kind != "mapping":
        _report_type(_wanted(record), node, path, report)
        return None
    known = [field.key for field in record.fields]
    misplaced = record.misplaced or {}
    for key, (key_node, value) in node.entries.items():
        if key in known or report.is_full:
            continue
        key_path = child_path(path, key)
        if key in misplaced:
            report.error("misplaced_key", misplaced[key], key_path, key_node.mark)
        else:
            message = _unknown_key(key, value, known)
            report.error("unknown_key", message, key_path, key_node.mark)
    values = {}
    for field in record.fields:
        value = _check_field(node, field, path, report)
        if value is not None:
            values[field.key] = value
    for rule in record.rules:
        wrong = _broken_at(rule, node, values, report.freed_words)
        if wrong is not None:
            report.error(rule.code, rule.message, child_path(path, wrong) if wrong else path)
            break
    return values


def _unknown_key(key: str, value: Node, known: list[str]) -> str:
    is_empty = value.is_plain and not value.text
    # As `knee` is where braces hold `joint knee`.
    is_of_braces = is_empty and first_word(key) in known
    if is_of_braces or is_before_bracket(key):
        return missing_colon(key)
    near = nearest(key, known)
    hint = f"nearest known key is {near}" if near else f"known keys are {', '.join(known)}"
    return f"Unknown key {quote(key)}; the {hint}."


def _check_field(node: Node, field: grammar.Field, path: str, report: Report) -> Value:
    field_path = child_path(path, field.key)
    if field.key in node.entries:
        kind = field.kind
        if isinstance(kind, grammar.Variants):
            # The variant of the word that is there or is meant; without one, the first.
            word = node.entries[kind.by][1].text if kind.by in node.entries else ""
            kind = kind.kinds[nearest(word, kind.kinds) or next(iter(kind.kinds))]
        return check(node.entries[field.key][1], kind, field_path, report)
    if field.required:
        message = f"The key {field.key} is missing here."
        report.error("missing_key", message, field_path, node.mark)
    if field.is_implied:
        return None
    return list(field.default) if isinstance(field.default, tuple) else field.default


def _broken_at(
    rule: grammar.Rule, node: Node, values: dict[str, Value], freed: frozenset[str]
) -> str | None:
    """The key that breaks a rule, "" where the mapping lacks one, None where the rule is kept."""
    if isinstance(rule, grammar.Narrows):
        is_broken = values.get(rule.key) == rule.value and values.get(rule.narrowed) not in (
            None,
            *rule.words,
        )
        return rule.narrowed if is_broken else None
    given = [key for key in node.entries if key in rule.keys]
    if isinstance(rule, grammar.OneOf):
        applies = not rule.when_given or _has_any(node, rule.when_given)
        return "" if applies and not given else None
    if not given:
        return None
    match rule:
        case grammar.NotBoth():
            both = [key for key in node.entries if key in rule.keys + rule.others]
            others = (key for key in both if (key in rule.keys) != (both[0] in rule.keys))
            return next(others, None)
        case grammar.Needs():
            is_broken = not _has_any(node, rule.needed)
        case grammar.Excludes():
            value = values.get(rule.key)
            is_mapping = isinstance(value, dict)
            is_broken = is_mapping != bool(rule.values) and (
                is_mapping or value in {*rule.values} - freed
            )
        case grammar.OnlyWith():
            is_broken = values.get(rule.key) not in (None, *rule.values)
    return given[0] if is_broken else None


def _has_any(node: Node, keys: tuple[str, ...]) -> bool:
    return any(key in node.entries for key in keys)


def _check_items(node: Node, items: grammar.Items, path: str, report: Report) -> list[Value] | None:
    if node.kind != "list":
        _report_type(_wanted(items), node, path, report)
        return None
    _check_count(len(node.items), items, path, report)
    return [
        check(item, items.item, f"{path}[{index}]", report)
        for index, item in enumerate(node.items[: items.max_items])
    ]


def _check_entries(
    node: Node, entries: grammar.Entries, path: str, report: Report
) -> dict[str, Value] | None:
    """The values by key: None for an invalid one."""
    if node.kind != "mapping":
        _report_type(_wanted(entries), node, path, report)
        return None
    _check_count(len(node.entries), entries, path, report)
    values = {}
    for key, (key_node, value) in list(node.entries.items())[: entries.max_items]:
        key_path = child_path(path, key)
        if re.fullmatch(entries.key.pattern, key):
            values[key] = check(value, entries.value, key_path, report)
        else:
            message = f"{quote(key)} is not {entries.key.expected}."
            report.error(entries.key.invalid_code, message, key_path, key_node.mark)
    return values


def _check_count(
    count: int, kind: grammar.Items | grammar.Entries, path: str, report: Report
) -> None:
    for code, is_broken, bound, what in (
        ("too_few_items", count < kind.min_items, kind.min_items, "at least {} needed"),
        ("too_many_items", count > kind.max_items, kind.max_items, "at most {} allowed"),
    ):
        if is_broken:
            needed = what.format("1 is" if bound == 1 else f"{bound} are")
            message = f"{_key_of(path)} has {_counted(count, 'item')}; {needed}."
            report.error(code, message, path)


def _check_alternatives(
    node: Node, alternatives: grammar.Alternatives, path: str, report: Report
) -> Value:
    for kind in alternatives.kinds:
        match kind:
            case grammar.Record() | grammar.Entries():
                node_kind = "mapping"
            case grammar.Items():
                node_kind = "list"
            case _:
                node_kind = "scalar"
        if node_kind == node.kind:
            return check(node, kind, path, report)
    _report_type(" or ".join(map(_wanted, alternatives.kinds)), node, path, report)
    return None


# --- Single values ---------------------------------------------------------------------------


def _check_number(
    node: Node, number: grammar.Number, path: str, report: Report
) -> float | Reference | None:
    if node.kind == "scalar" and node.text.startswith("$"):
        return _check_reference(node, number, path, report)
    value = parse_number(node.text) if node.kind == "scalar" and node.is_plain else None
    if value is None or (number.is_whole and math.isfinite(value) and value % 1):
        _report_type(_wanted(number), node, path, report)
        return None
    if not number.minimum <= value <= number.maximum:
        bounds = f"from {number.minimum} to {number.maximum}"
        message = f"{_key_of(path)} must be {bounds}, not {quote(node.text)}."
        report.error("number_out_of_range", message, path)
        return None
    return value + 0.0  # -0.0 becomes 0.0


def _check_reference(
    node: Node, number: grammar.Number, path: str, report: Report
) -> Reference | None:
    name = node.text.removeprefix("$")
    if not number.takes_parameter:
        message = (
            f"{_key_of(path)} must be {_wanted(number)}, not the parameter {quote(node.text)}: one"
            " stands for a bound, a tolerance or a time alone."
        )
        report.error("wrong_type", message, path)
        return None
    if not re.fullmatch(PARAMETER_NAME.pattern, name):
        message = f"{quote(node.text)} is not $ and {PARAMETER_NAME.expected}."
        report.error(PARAMETER_NAME.invalid_code, message, path)
        return None
    return Reference(name, path, number)


def _check_choice(node: Node, choice: grammar.Choice, path: str, report: Report) -> str | None:
    if node.kind != "scalar":
        _report_type("text", node, path, report)
        return None
    if node.text in choice.values:
        return node.text
    allowed, near = choice.what, ""
    if not allowed:
        allowed = f"one of {', '.join(choice.values)}"
    elif found := nearest(node.text, choice.values):
        near = f"; the nearest is {found}"
    message = f"{_key_of(path)} must be {allowed}, not {quote(node.text)}{near}."
    report.error("invalid_value", message, path)
    return None


def _check_text(node: Node, text: grammar.Text, path: str, report: Report) -> str | None:
    if node.kind != "scalar":
        _report_type("text", node, path, report)
        return None
    length = len(node.text)
    if text.min_length is not None and length < text.min_length:
        message = f"{_key_of(path)} needs at least {_counted(text.min_length, 'character')}."
        report.error("invalid_length", message, path)
    elif text.max_length is not None and length > text.max_length:
        message = f"{_key_of(path)} has {length} characters; at most {text.max_length} are allowed."
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


def _wanted(kind: grammar.Kind) -> str:
    match kind:
        case grammar.Record() | grammar.Entries():
            return "a mapping of keys to values"
        case grammar.Items():
            return "a list"
        case grammar.Number():
            return "a whole number" if kind.is_whole else "a number"
        case grammar.Flag():
            return "true or false"
    return "text"


def _key_of(path: str) -> str:
    """The last step of a path: a key, or an item of a list such as `sequence[1]`."""
    return path.rpartition(".")[2] or "The document"


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _report_type(wanted: str, node: Node, path: str, report: Report) -> None:
    if node.kind != "scalar":
        found = f"a {node.kind}"
    elif not node.is_plain:
        found = f"the quoted text {quote(node.text)}"
    elif not node.text:
        found = "nothing"
    else:
        found = f"the {plain_scalar_type(node.text)} {quote(node.text)}"
    message = f"{_key_of(path)} must be {wanted}, not {found}."
    report.error("wrong_type", message, path or None, node.mark)
