"""The rules between places of a document, which no single kind can state."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from detection.language.issues import Report, nearest, quote
from detection.spec import MOVEMENT, RESERVED_WHEN

_GROUPS = {"left": "left or right", "right": "left or right"}
_GROUPS |= {"front": "front or back", "back": "front or back"}

Values = dict[str, Any]


MOST_CUES_ON_ENTRY = 4


def check_rules(document: Values, report: Report, *, is_new: bool) -> None:
    """Report what breaks a rule. Those that came later hold for new documents alone."""
    movement = document.get("detection", {}).get("movement", {})
    phases = movement.get("phases")
    cues = movement.get("feedback", [])
    if phases is not None:
        _check_unique_names(phases, report)
        for index, phase in _valid(phases):
            _check_sides(phase, f"{MOVEMENT}.phases[{index}]", report)
    for path, criterion in _criteria(phases or [], cues):
        _check_bounds(criterion, path, report)
    _check_neighbours(movement.get("sequence", []), report)
    names = _all_names(phases)
    if names is not None:
        _check_references(names, movement.get("sequence", []), cues, report)
    if is_new:
        _check_cues_on_entry(cues, report)


def _valid(items: list[Values | None]) -> Iterator[tuple[int, Values]]:
    return ((index, item) for index, item in enumerate(items) if item is not None)


def _criteria(
    phases: list[Values | None], cues: list[Values | None]
) -> Iterator[tuple[str, Values]]:
    for index, phase in _valid(phases):
        for number, criterion in _valid(phase.get("criteria", [])):
            yield f"{MOVEMENT}.phases[{index}].criteria[{number}]", criterion
    for index, cue in _valid(cues):
        yield f"{MOVEMENT}.feedback[{index}]", cue


def _all_names(phases: list[Values | None] | None) -> list[str] | None:
    """The names of all phases. None while one has no valid name: a reference may be to that one."""
    if phases is None:
        return None
    names = [(phase or {}).get("name") for phase in phases]
    return None if None in names else [str(name) for name in names]


def _check_unique_names(phases: list[Values | None], report: Report) -> None:
    first_index: dict[str, int] = {}
    for index, phase in _valid(phases):
        name = phase.get("name")
        if name is not None and first_index.setdefault(name, index) != index:
            message = f"phases[{first_index[name]}] has the name {quote(name)} already."
            report.error("duplicate_phase", message, f"{MOVEMENT}.phases[{index}].name")


def _check_sides(phase: Values, path: str, report: Report) -> None:
    first_side: dict[str, str] = {}
    for number, criterion in _valid(phase.get("criteria", [])):
        measure, side = criterion.get("joint") or criterion.get("lean"), criterion.get("side")
        if measure is None or side not in _GROUPS:
            continue
        first = first_side.setdefault(measure, side)
        if _GROUPS[first] != _GROUPS[side]:
            message = (
                f"This phase has {measure} {first} already: {_GROUPS[side]} cannot stand beside"
                f" {_GROUPS[first]} of the same angle."
            )
            report.error("side_conflict", message, f"{path}.criteria[{number}].side")


def _check_bounds(criterion: Values, path: str, report: Report) -> None:
    low, high = criterion.get("angle_min"), criterion.get("angle_max")
    if low is not None and high is not None and low > high:
        message = f"angle_min {low:g} is above angle_max {high:g}."
        report.error("bounds_reversed", message, f"{path}.angle_min")


def _check_neighbours(sequence: list[str | None], report: Report) -> None:
    for index in range(1, len(sequence)):
        step = sequence[index]
        if step is not None and step == sequence[index - 1]:
            message = f"The step before this one is {quote(step)} too; neighbours must differ."
            report.error("repeated_step", message, f"{MOVEMENT}.sequence[{index}]")


def _check_references(
    names: list[str], sequence: list[str | None], cues: list[Values | None], report: Report
) -> None:
    for index, step in enumerate(sequence):
        if step is not None and step not in names:
            _report_unknown(step, names, f"{MOVEMENT}.sequence[{index}]", report)
    for index, cue in _valid(cues):
        when = cue.get("when")
        if when is not None and when not in (*names, *RESERVED_WHEN):
            known = [*names, *RESERVED_WHEN]
            _report_unknown(when, known, f"{MOVEMENT}.feedback[{index}].when", report)


def _check_cues_on_entry(cues: list[Values | None], report: Report) -> None:
    counted = Counter[str]()
    for index, cue in _valid(cues):
        when = cue.get("when")
        if when is None or when in RESERVED_WHEN or "joint" in cue or "lean" in cue:
            continue
        counted[when] += 1
        if counted[when] > MOST_CUES_ON_ENTRY:
            message = (
                f"{quote(when)} has {MOST_CUES_ON_ENTRY} cues without a joint or lean already,"
                " which all fire when it is entered."
            )
            report.error("too_many_cues", message, f"{MOVEMENT}.feedback[{index}]")


def _report_unknown(name: str, known: list[str], path: str, report: Report) -> None:
    message = f"No phase has the name {quote(name)}."
    if suggestion := nearest(name, known):
        message = f"No phase has the name {quote(name)}; the nearest is {quote(suggestion)}."
    report.error("unknown_phase", message, path)
