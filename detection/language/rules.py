"""The rules between places of a document, which no single kind can state."""

import textwrap
from collections import Counter
from collections.abc import Collection, Iterator
from typing import Any, NamedTuple

from detection.language.checking import Reference
from detection.language.compiling import Declared, Values, declared_parameters, references_in
from detection.language.issues import Report, nearest, quote
from detection.language.yaml_tree import child_path
from detection.spec import MOVEMENT, NOT_READY, RESERVED_WHEN, Parameter

SETUP = "detection.setup"
PARAMETERS = "detection.parameters"
MAX_CUES_ON_ENTRY = 4

_GROUPS = {"left": "left or right", "right": "left or right"}
_GROUPS |= {"front": "front or back", "back": "front or back"}
# The sides that have no meaning where left and right are counted apart.
_NAMED = ("left", "right", "both", "either")
# Those that ask for one side, where both must move.
_OF_ONE = ("left", "right", "either", "front", "back")

Items = list[Values | None]


def check_rules(document: Values, report: Report, *, is_new: bool) -> None:
    """Report what breaks a rule. Newer rules hold for new documents alone."""
    detection = document.get("detection", {})
    movement = detection.get("movement", {})
    phases = movement.get("phases")
    cues = movement.get("feedback", [])
    checks = movement.get("checks", [])
    if phases is not None:
        _check_unique_names(phases, "phase", "phases", report)
        for index, phase in _valid(phases):
            path = f"{MOVEMENT}.phases[{index}].criteria"
            _check_sides(phase.get("criteria", []), "phase", path, report)
    start = detection.get("setup", {}).get("start", [])
    _check_sides(start, "start", f"{SETUP}.start", report)
    _check_unique_names(checks, "check", "checks", report)
    declared = declared_parameters(document)
    _check_parameters(document, declared, report)
    for path, criterion in _criteria(detection):
        _check_bounds(criterion, path, declared, report)
        for extreme in ("least", "most"):
            if extreme in criterion:
                _check_bounds(criterion[extreme], f"{path}.{extreme}", declared, report)
        if movement.get("count") == "each_side" and criterion.get("side") in _NAMED:
            message = "The sides are counted apart: leave side out, or say front or back."
            report.error("named_side", message, f"{path}.side")
    _check_both_move(movement, report)
    check_sequence(movement.get("sequence", []), report)
    if (names := _all_names(phases)) is not None:
        _check_references(names, movement, report)
    _check_steps_of_cues(movement, report)
    _check_checks_of_cues(movement, report)
    for index, cue in _valid(cues):
        path = f"{MOVEMENT}.feedback[{index}]"
        _check_bounds(cue.get("form") or {}, f"{path}.form", declared, report)
        _check_languages(cue.get("message"), f"{path}.message", report)
    for part, bounds in movement.get("tempo", {}).items():
        if {"min", "max"} <= bounds.keys():
            _check_bounds(bounds, f"{MOVEMENT}.tempo.{part}", declared, report)
    if is_new:
        _check_cues_on_entry(cues, report)


def _valid(items: Items) -> Iterator[tuple[int, Values]]:
    return ((index, item) for index, item in enumerate(items) if item is not None)


def _criteria_of_phases(movement: Values) -> Iterator[tuple[str, Values]]:
    for index, phase in _valid(movement.get("phases", [])):
        for number, criterion in _valid(phase.get("criteria", [])):
            yield f"{MOVEMENT}.phases[{index}].criteria[{number}]", criterion


def _criteria(detection: Values) -> Iterator[tuple[str, Values]]:
    """All that asks for an angle, with its path."""
    movement = detection.get("movement", {})
    yield from _criteria_of_phases(movement)
    lists = {f"{SETUP}.start": detection.get("setup", {}).get("start", [])}
    lists |= {f"{MOVEMENT}.{k}": movement.get(k, []) for k in ("throughout", "checks", "feedback")}
    for path, items in lists.items():
        for index, item in _valid(items):
            yield f"{path}[{index}]", item


# --- Numbers ---------------------------------------------------------------------------------


class _Bound(NamedTuple):
    """A bound, and its key in the document; without one, the newer key and the default."""

    key: str
    value: float | Reference

    @property
    def parameter(self) -> str | None:
        return self.value.name if isinstance(self.value, Reference) else None

    def __str__(self) -> str:
        return f"${self.parameter}" if self.parameter else f"{self.value:g}"


def _bound(values: Values, keys: tuple[str, str], default: float) -> _Bound:
    key = next((key for key in keys if key in values), keys[0])
    return _Bound(key, values.get(key, default))


def _ends(value: float | Reference, declared: Declared) -> tuple[float, float] | None:
    """The least and the greatest number that a value may be; None where they aren't known."""
    if not isinstance(value, Reference):
        return value, value
    parameter = declared.get(value.name)
    return None if parameter is None else (parameter.minimum, parameter.maximum)


def _check_bounds(values: Values, path: str, declared: Declared, report: Report) -> None:
    """Report a least bound that is above the greatest, or can be."""
    low = _bound(values, ("min", "angle_min"), 0.0)
    high = _bound(values, ("max", "angle_max"), 180.0)
    low_ends, high_ends = _ends(low.value, declared), _ends(high.value, declared)
    if low_ends is None or high_ends is None or low_ends[1] <= high_ends[0]:
        return
    if not low.parameter and not high.parameter:
        message = f"{low.key} {low} is above {high.key} {high}."
    elif low.parameter == high.parameter:
        return  # the same number
    else:
        up_to = f", which may be up to {low_ends[1]:g}," if low.parameter else ""
        down_to = f", which may be down to {high_ends[0]:g}" if high.parameter else ""
        message = (
            f"{low.key} {low}{up_to} can be above {high.key} {high}{down_to}: narrow the"
            " parameter's min and max."
        )
    report.error("bounds_reversed", message, f"{path}.{low.key}")


def _check_parameters(document: Values, declared: Declared, report: Report) -> None:
    """Report what no number of a session could make valid, and what not all of them would."""
    for name, parameter in declared.items():
        if parameter is not None:
            _check_default(parameter, f"{PARAMETERS}.{name}", report)
    for reference in references_in(document):
        number, path = reference.number, reference.path
        if reference.name not in declared:
            message = unknown_parameter(reference.name, declared)
            report.error("unknown_parameter", message, path)
        elif (ends := _ends(reference, declared)) is not None:
            low, high = ends
            if low < number.minimum or number.maximum < high:
                message = (
                    f"${reference.name} may be {low:g} to {high:g}, and {path.rpartition('.')[2]}"
                    f" must be from {number.minimum} to {number.maximum}: narrow the parameter's"
                    " min and max."
                )
                report.error("parameter_out_of_range", message, path)


def _check_default(parameter: Parameter, path: str, report: Report) -> None:
    low, high = parameter.minimum, parameter.maximum
    if low > high:
        report.error("bounds_reversed", f"min {low:g} is above max {high:g}.", f"{path}.min")
    elif not low <= parameter.default <= high:
        message = f"default must be from {low:g} to {high:g}, not {parameter.default:g}."
        report.error("default_out_of_bounds", message, f"{path}.default")


def unknown_parameter(name: str, known: Collection[str]) -> str:
    """The sentence for a parameter that a document does not have."""
    sentence = f"No parameter has the name {quote(name)}"
    if near := nearest(name, known):
        return f"{sentence}; the nearest is {near}."
    names = textwrap.shorten(", ".join(known), 100, placeholder=" …")
    return f"{sentence}; there are {names}." if names else f"{sentence}: there are none."


# --- Names -----------------------------------------------------------------------------------


def _all_names(items: Items | None) -> list[str] | None:
    """The names of all phases or checks. None if one has no valid name: a reference may mean that
    one."""
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


def _check_references(names: list[str], movement: Values, report: Report) -> None:
    used = []
    for index, step in enumerate(movement.get("sequence", [])):
        path = f"{MOVEMENT}.sequence[{index}]"
        used.append((_phase_of(step), names, f"{path}.phase" if isinstance(step, dict) else path))
    for key, known in (("checks", names), ("feedback", [*names, *RESERVED_WHEN, NOT_READY])):
        for index, item in _valid(movement.get(key, [])):
            used.append((item.get("when"), known, f"{MOVEMENT}.{key}[{index}].when"))
    for name, known, path in used:
        if isinstance(name, str) and name not in known:
            _report_unknown("phase", name, known, path, report)


def _check_steps_of_cues(movement: Values, report: Report) -> None:
    names = [_phase_of(step) for step in movement.get("sequence", [])]
    if None in names:  # a cue may be on that one
        return
    for index, cue in _valid(movement.get("feedback", [])):
        name, path = cue.get("step"), f"{MOVEMENT}.feedback[{index}].step"
        if name is None or name in names:
            continue
        if not names:
            report.error("unknown_step", "A hold has no steps: leave step out.", path)
        else:
            known = [known for known in names if known is not None]
            _report_unknown("step", name, known, path, report)


def _check_checks_of_cues(movement: Values, report: Report) -> None:
    names = _all_names(movement.get("checks"))
    if names is None:
        return
    names += [f"tempo.{part}" for part in movement.get("tempo", {})]
    for index, cue in _valid(movement.get("feedback", [])):
        when = cue.get("when")
        name = when.get("check") if isinstance(when, dict) else None
        if name is not None and name not in names:
            path = f"{MOVEMENT}.feedback[{index}].when.check"
            _report_unknown("check", name, names, path, report)


def _report_unknown(what: str, name: str, known: list[str], path: str, report: Report) -> None:
    message = f"No {what} has the name {quote(name)}"
    if what == "step":
        message = f"No step of the sequence is {quote(name)}"
    if near := nearest(name, known):
        message += f"; the nearest is {quote(near)}"
    report.error(f"unknown_{what}", f"{message}.", path)


def _check_languages(message: str | Values | None, path: str, report: Report) -> None:
    if not isinstance(message, dict):
        return
    seen = set[str]()
    for tag in message:
        if tag.lower() in seen:
            sentence = f"The language {quote(tag)} is here a second time."
            report.error("duplicate_key", sentence, child_path(path, tag))
        seen.add(tag.lower())


# --- Sides and cues --------------------------------------------------------------------------


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


def _check_both_move(movement: Values, report: Report) -> None:
    if not movement.get("both_move"):
        return
    if movement.get("count") == "each_side":
        message = "Each side is counted by itself: leave both_move out, or count together."
        report.error("both_move_conflict", message, f"{MOVEMENT}.both_move")
    for path, criterion in _criteria_of_phases(movement):
        if criterion.get("side") in _OF_ONE:
            message = "Both sides must move: leave side out, or say both."
            report.error("both_move_conflict", message, f"{path}.side")


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


# --- The sequence ----------------------------------------------------------------------------
# Neighbours differ, also where optional steps between them are left out: entering the current
# phase changes nothing, so the later of two equal neighbours could never be told from the earlier.

_SEQUENCE = f"{MOVEMENT}.sequence"


def _phase_of(step: Any) -> Any:
    """The name of a step's phase, from a text or a mapping; None where it is not valid."""
    return step.get("phase") if isinstance(step, dict) else step


def check_sequence(sequence: list[Any], report: Report) -> None:
    for index, step in enumerate(sequence):
        if isinstance(step, dict):
            _check_place(step, index, len(sequence) - 1, report)
        _check_neighbours(sequence, index, report)


def _check_place(step: Values, index: int, last: int, report: Report) -> None:
    if step.get("optional") and index in (0, last):
        which = "last" if index else "first"
        message = f"The {which} step cannot be optional: a repetition begins and ends somewhere."
        report.error("step_not_allowed", message, f"{_SEQUENCE}[{index}].optional")
    if "within_ms" in step and index == 0:
        message = "The first step has none before it, since which within_ms could be counted."
        report.error("step_not_allowed", message, f"{_SEQUENCE}[0].within_ms")


def _check_neighbours(sequence: list[Any], index: int, report: Report) -> None:
    """Report a step with the phase of an earlier one, if only optional steps are between them."""
    phase = _phase_of(sequence[index])
    for before in range(index - 1, -1, -1):
        step = sequence[before]
        if phase is not None and _phase_of(step) == phase:
            without = "Without the optional steps between, the" if before < index - 1 else "The"
            message = (
                f"{without} step before this one is {quote(phase)} too; neighbours must differ."
            )
            report.error("repeated_step", message, f"{_SEQUENCE}[{index}]")
            return
        if not (isinstance(step, dict) and step.get("optional")):
            return
