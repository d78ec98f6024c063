"""The check of a tree of nodes by a declared kind: values where it fits, else issues."""

import re
from typing import Any

from detection.language.grammar import (
    Alternatives,
    Choice,
    Entries,
    Excludes,
    Field,
    Flag,
    Items,
    Kind,
    Narrows,
    Needs,
    NotBoth,
    Number,
    OneOf,
    OnlyWith,
    Record,
    Rule,
    Text,
    Variants,
)
from detection.language.issues import Report, nearest, quote
from detection.language.missing_colons import first_word, is_before_bracket, missing_colon
from detection.language.scalar_checks import (
    check_choice,
    check_flag,
    check_number,
    check_text,
    counted,
    key_of,
    report_type,
    wanted,
)
from detection.language.yaml_tree import Node, child_path

# The value of a node: str, float, bool, Reference, list or dict, and None where the node is not
# valid. An invalid or absent key of a record is missing from its dict; a default is in it like a
# given value, unless it is an implied one.
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
        case Entries():
            return _check_entries(node, kind, path, report)
        case Alternatives():
            return _check_alternatives(node, kind, path, report)
        case Variants():
            raise TypeError("the mapping around it chooses which")
        case Number():
            return check_number(node, kind, path, report)
        case Flag():
            return check_flag(node, path, report)
        case Choice():
            return check_choice(node, kind, path, report)
        case Text():
            return check_text(node, kind, path, report)


def _check_record(node: Node, record: Record, path: str, report: Report) -> dict[str, Value] | None:
    if node.kind != "mapping":
        report_type(wanted(record), node, path, report)
        return None
    known = {field.key: field for field in record.fields}
    misplaced = record.misplaced or {}
    for key, (key_node, value) in node.entries.items():
        if key in known or report.is_full:
            continue
        key_path = child_path(path, key)
        if key in misplaced:
            report.error("misplaced_key", misplaced[key], key_path, key_node.mark)
        else:
            message = _unknown_key(key, value, list(known))
            report.error("unknown_key", message, key_path, key_node.mark)
    values = {}
    for field in record.fields:
        value = _check_field(node, field, path, report)
        if value is not None:
            values[field.key] = value
    _check_rules(node, record, values, path, report)
    return values


def _unknown_key(key: str, value: Node, known: list[str]) -> str:
    is_empty = value.is_plain and not value.text
    # As `knee` is where braces hold `joint knee`.
    is_of_braces = is_empty and first_word(key) in known
    if is_of_braces or is_before_bracket(key):
        return missing_colon(key)
    near = nearest(key, known)
    told = f"nearest known key is {near}" if near else f"known keys are {', '.join(known)}"
    return f"Unknown key {quote(key)}; the {told}."


def _check_field(node: Node, field: Field, path: str, report: Report) -> Value:
    field_path = child_path(path, field.key)
    if field.key in node.entries:
        kind = field.kind
        if isinstance(kind, Variants):
            kind = _chosen(node, kind)
        return check(node.entries[field.key][1], kind, field_path, report)
    if field.required:
        message = f"The key {field.key} is missing here."
        report.error("missing_key", message, field_path, node.mark)
    if field.is_implied:
        return None
    return list(field.default) if isinstance(field.default, tuple) else field.default


def _chosen(node: Node, variants: Variants) -> Kind:
    """The variant of the word that is there or is meant; without one, the first."""
    word = node.entries[variants.by][1].text if variants.by in node.entries else ""
    first = next(iter(variants.kinds))
    return variants.kinds[nearest(word, variants.kinds) or first]


def _check_rules(
    node: Node, record: Record, values: dict[str, Value], path: str, report: Report
) -> None:
    for rule in record.rules:
        wrong = _broken_at(rule, node, values, report.freed_words)
        if wrong is not None:
            at = child_path(path, wrong) if wrong else path
            report.error(rule.code, rule.message, at)
            return


def _broken_at(
    rule: Rule, node: Node, values: dict[str, Value], freed: frozenset[str]
) -> str | None:
    """The key that breaks a rule, "" where the mapping lacks one, None where the rule is kept."""
    if isinstance(rule, Narrows):
        is_broken = values.get(rule.key) == rule.value and values.get(rule.narrowed) not in (
            None,
            *rule.words,
        )
        return rule.narrowed if is_broken else None
    given = [key for key in node.entries if key in rule.keys]
    match rule:
        case OneOf():
            applies = not rule.when_given or _has_any(node, rule.when_given)
            return "" if applies and not given else None
        case NotBoth():
            both = [key for key in node.entries if key in rule.keys + rule.others]
            others = [key for key in both if (key in rule.keys) != (both[0] in rule.keys)]
            return others[0] if others else None
    if not given:
        return None
    match rule:
        case Needs():
            is_broken = not _has_any(node, rule.needed)
        case Excludes():
            value = values.get(rule.key)
            is_mapping = isinstance(value, dict)
            is_broken = is_mapping != bool(rule.values) and (
                is_mapping or value in {*rule.values} - freed
            )
        case OnlyWith():
            is_broken = values.get(rule.key) not in (None, *rule.values)
    return given[0] if is_broken else None


def _has_any(node: Node, keys: tuple[str, ...]) -> bool:
    return any(key in node.entries for key in keys)


def _check_items(node: Node, items: Items, path: str, report: Report) -> list[Value] | None:
    if node.kind != "list":
        report_type(wanted(items), node, path, report)
        return None
    _check_count(len(node.items), items, path, report)
    return [
        check(item, items.item, f"{path}[{index}]", report)
        for index, item in enumerate(node.items[: items.max_items])
    ]


def _check_entries(
    node: Node, entries: Entries, path: str, report: Report
) -> dict[str, Value] | None:
    """The values by key: None for one that is not valid."""
    if node.kind != "mapping":
        report_type(wanted(entries), node, path, report)
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


def _check_count(count: int, kind: Items | Entries, path: str, report: Report) -> None:
    if count < kind.min_items:
        least = "1 is" if kind.min_items == 1 else f"{kind.min_items} are"
        message = f"{key_of(path)} has {counted(count, 'item')}; at least {least} needed."
        report.error("too_few_items", message, path)
    if count > kind.max_items:
        most = "1 is" if kind.max_items == 1 else f"{kind.max_items} are"
        message = f"{key_of(path)} has {counted(count, 'item')}; at most {most} allowed."
        report.error("too_many_items", message, path)


def _check_alternatives(node: Node, alternatives: Alternatives, path: str, report: Report) -> Value:
    for kind in alternatives.kinds:
        if _node_kind(kind) == node.kind:
            return check(node, kind, path, report)
    one_of_them = " or ".join(map(wanted, alternatives.kinds))
    report_type(one_of_them, node, path, report)
    return None


def _node_kind(kind: Kind) -> str:
    match kind:
        case Record() | Entries():
            return "mapping"
        case Items():
            return "list"
    return "scalar"
