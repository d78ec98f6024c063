"""The rules between places of a document, which no single kind can state."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from detection.language.bounds import check_bounds
from detection.language.issues import Report, nearest, quote
from detection.language.parameters import check_parameters, declared_parameters
from detection.language.sequence_rules import check_sequence, phase_of
from detection.language.yaml_tree import child_path
from detection.spec import MOVEMENT, NOT_READY, RESERVED_WHEN

SETUP = "detection.setup"

_GROUPS = {"left": "left or right", "right": "left or right"}
_GROUPS |= {"front": "front or back", "back": "front or back"}
# The sides that have no meaning where left and right are counted apart.
_NAMED = ("left", "right", "both", "either")
# Those that ask for one side, where both must move.
_OF_ONE = ("left", "right", "either", "front", "back")

Values = dict[str, Any]
Items = list[Values | None]


MAX_CUES_ON_ENTRY = 4


def check_rules(document: Values, report: Report, *, is_new: bool) -> None:
    """Report what breaks a rule. Those that came later hold for new documents alone."""
    detection = document.get("detection", {})
    movement = detection.get("movement", {})
    phases = movement.get("phases")
    cues = movement.get("feedback", [])
    checks = movement.get("checks", [])
    sequence = movement.get("sequence", [])
    start = detection.get("setup", {}).get("start", [])
    if phases is not None:
        _check_unique_names(phases, "phase", "phases", report)
        for index, phase in _valid(phases):
            path = f"{MOVEMENT}.phases[{index}].criteria"
            _check_sides(phase.get("criteria", []), "phase", path, report)
    _check_sides(start, "start", f"{SETUP}.start", report)
    _check_unique_names(checks, "check", "checks", report)
    declared = declared_parameters(document)
    check_parameters(document, declared, report)
    for path, criterion in _criteria(detection):
        check_bounds(criterion, path, declared, report)
        for extreme in ("least", "most"):
            if extreme in criterion:
                check_bounds(criterion[extreme], f"{path}.{extreme}", declared, report)
        if movement.get("count") == "each_side" and criterion.get("side") in _NAMED:
            message = "The sides are counted apart: leave side out, or say front or back."
            report.error("named_side", message, f"{path}.side")
    _check_both_move(movement, report)
    check_sequence(sequence, report)
    names = _all_names(phases)
    if names is not None:
        _check_references(names, movement, report)
    _check_steps_of_cues(movement, report)
    _check_checks_of_cues(movement, report)
    for index, cue in _valid(cues):
        check_bounds(cue.get("form") or {}, f"{MOVEMENT}.feedback[{index}].form", declared, report)
        _check_languages(cue.get("message"), f"{MOVEMENT}.feedback[{index}].message", report)
    for part, bounds in movement.get("tempo", {}).items():
        if {"min", "max"} <= bounds.keys():
            check_bounds(bounds, f"{MOVEMENT}.tempo.{part}", declared, report)
    if is_new:
        _check_cues_on_entry(cues, report)


def _check_both_move(movement: Values, report: Report) -> None:
    if not movement.get("both_move"):
        return
    if movement.get("count") == "each_side":
        message = "Each side is counted by itself: leave both_move out, or count together."
        report.error("both_move_conflict", message, f"{MOVEMENT}.both_move")
    for index, phase in _valid(movement.get("phases", [])):
        for number, criterion in _valid(phase.get("criteria", [])):
            if criterion.get("side") in _OF_ONE:
                message = "Both sides must move: leave side out, or say both."
                path = f"{MOVEMENT}.phases[{index}].criteria[{number}].side"
                report.error("both_move_conflict", message, path)


def _valid(items: Items) -> Iterator[tuple[int, Values]]:
    return ((index, item) for index, item in enumerate(items) if item is not None)


def _criteria(detection: Values) -> Iterator[tuple[str, Values]]:
    """All that asks for a measure, with its path."""
    movement = detection.get("movement", {})
    for index, phase in _valid(movement.get("phases", [])):
        for number, criterion in _valid(phase.get("criteria", [])):
            yield f"{MOVEMENT}.phases[{index}].criteria[{number}]", criterion
    lists = {
        f"{SETUP}.start": detection.get("setup", {}).get("start", []),
        f"{MOVEMENT}.throughout": movement.get("throughout", []),
        f"{MOVEMENT}.checks": movement.get("checks", []),
        f"{MOVEMENT}.feedback": movement.get("feedback", []),
    }
    for path, items in lists.items():
        for index, item in _valid(items):
            yield f"{path}[{index}]", item


def _all_names(items: Items | None) -> list[str] | None:
    """The names of all phases or checks. None while one has no valid name: a reference may be to
    that one."""
    if items is None:
        return None
    names = [(item or {}).get("name") for item in items]
    return None if None in names else [str(name) for name in names]


def _check_unique_names(items: Items, what: str, key: str, report: Report) -> None:
    first_index: dict[str, int] = {}
    for index, item in _valid(items):
        name = item.get("name")
        if name is not None and first_index.setdefault(name, index) != index:
            message = f"{key}[{first_index[name]}] has the name {quote(name)} already."
            report.error(f"duplicate_{what}", message, f"{MOVEMENT}.{key}[{index}].name")


def _check_sides(criteria: Items, what: str, path: str, report: Report) -> None:
    first_side: dict[str, str] = {}
    for number, criterion in _valid(criteria):
        measure, side = criterion.get("joint") or criterion.get("lean"), criterion.get("side")
        if measure is None or side not in _GROUPS:
            continue
        first = first_side.setdefault(measure, side)
        if _GROUPS[first] != _GROUPS[side]:
            message = (
                f"This {what} has {measure} {first} already: {_GROUPS[side]} cannot stand beside"
                f" {_GROUPS[first]} of the same angle."
            )
            report.error("side_conflict", message, f"{path}[{number}].side")


def _check_references(names: list[str], movement: Values, report: Report) -> None:
    for index, step in enumerate(movement.get("sequence", [])):
        phase, path = phase_of(step), f"{MOVEMENT}.sequence[{index}]"
        if phase is not None and phase not in names:
            at = f"{path}.phase" if isinstance(step, dict) else path
            _report_unknown(phase, names, at, report)
    known_to = {"checks": names, "feedback": [*names, *RESERVED_WHEN, NOT_READY]}
    for key, known in known_to.items():
        for index, item in _valid(movement.get(key, [])):
            when = item.get("when")
            if isinstance(when, str) and when not in known:
                _report_unknown(when, known, f"{MOVEMENT}.{key}[{index}].when", report)


def _check_steps_of_cues(movement: Values, report: Report) -> None:
    names = [phase_of(step) for step in movement.get("sequence", [])]
    if None in names:  # a cue may be on that one
        return
    for index, cue in _valid(movement.get("feedback", [])):
        name = cue.get("step")
        if name is None or name in names:
            continue
        message = f"No step of the sequence is {quote(name)}."
        if suggestion := nearest(name, [known for known in names if known is not None]):
            message = (
                f"No step of the sequence is {quote(name)}; the nearest is {quote(suggestion)}."
            )
        if not names:
            message = "A hold has no steps: leave step out."
        report.error("unknown_step", message, f"{MOVEMENT}.feedback[{index}].step")


def _check_checks_of_cues(movement: Values, report: Report) -> None:
    names = _all_names(movement.get("checks"))
    if names is None:
        return
    names += [f"tempo.{part}" for part in movement.get("tempo", {})]
    for index, cue in _valid(movement.get("feedback", [])):
        when = cue.get("when")
        name = when.get("check") if isinstance(when, dict) else None
        if name is None or name in names:
            continue
        message = f"No check has the name {quote(name)}."
        if suggestion := nearest(name, names):
            message = f"No check has the name {quote(name)}; the nearest is {quote(suggestion)}."
        report.error("unknown_check", message, f"{MOVEMENT}.feedback[{index}].when.check")


def _check_languages(message: str | Values | None, path: str, report: Report) -> None:
    if not isinstance(message, dict):
        return
    seen = set[str]()
    for tag in message:
        if tag.lower() in seen:
            sentence = f"The language {quote(tag)} is here a second time."
            report.error("duplicate_key", sentence, child_path(path, tag))
        seen.add(tag.lower())


def _check_cues_on_entry(cues: Items, report: Report) -> None:
    counted = Counter[str]()
    for index, cue in _valid(cues):
        when = cue.get("when")
        if not isinstance(when, str) or "joint" in cue or "lean" in cue:
            continue
        if when in (*RESERVED_WHEN, NOT_READY):
            continue
        counted[when] += 1
        if counted[when] > MAX_CUES_ON_ENTRY:
            message = (
                f"{quote(when)} has {MAX_CUES_ON_ENTRY} cues without a joint or lean already,"
                " which all fire when it is entered."
            )
            report.error("too_many_cues", message, f"{MOVEMENT}.feedback[{index}]")


def _report_unknown(name: str, known: list[str], path: str, report: Report) -> None:
    message = f"No phase has the name {quote(name)}."
    if suggestion := nearest(name, known):
        message = f"No phase has the name {quote(name)}; the nearest is {quote(suggestion)}."
    report.error("unknown_phase", message, path)
