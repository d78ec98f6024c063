"""The rules between places of a document, which no single kind can state."""

import textwrap
from collections import Counter
from collections.abc import Collection, Iterator
from typing import Any

from detection.language.compiling import Declared, declared_parameters, references_in
from detection.language.issues import Report, nearest, quote
from detection.language.kinds import Reference, key_of
from detection.language.records import Values
from detection.language.yaml_tree import child_path
from detection.spec import MOVEMENT, NOT_READY, RESERVED_WHEN

SETUP = "detection.setup"
PARAMETERS = "detection.parameters"
MAX_CUES_ON_ENTRY = 4

_GROUPS = dict.fromkeys(("left", "right"), "left or right")
_GROUPS |= dict.fromkeys(("front", "back"), "front or back")
# The sides that have no meaning where left and right are counted apart.
_NAMED = ("left", "right", "both", "either")
# Those that ask for one side, where both must move.
_OF_ONE = ("left", "right", "either", "front", "back")

# What is at a path.
Placed = Iterator[tuple[str, Values]]


def check_rules(document: Values, report: Report, *, is_new: bool) -> None:
    """Report what breaks a rule. Newer rules hold for new documents alone."""
    detection = document.get("detection", {})
    movement = detection.get("movement", {})
    _check_unique_names(movement, "phases", report)
    for path, phase in _placed(movement, "phases"):
        _check_sides(_placed(phase, "criteria", path), "phase", report)
    _check_sides(_placed(detection.get("setup", {}), "start", SETUP), "start", report)
    _check_unique_names(movement, "checks", report)
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
    _check_references(movement, report)
    for path, cue in _placed(movement, "feedback"):
        _check_bounds(cue.get("form") or {}, f"{path}.form", declared, report)
        _check_languages(cue.get("message"), f"{path}.message", report)
    for part, bounds in movement.get("tempo", {}).items():
        if {"min", "max"} <= bounds.keys():
            _check_bounds(bounds, f"{MOVEMENT}.tempo.{part}", declared, report)
    if is_new:
        _check_cues_on_entry(movement, report)


def _placed(parent: Values, key: str, path: str = MOVEMENT) -> Placed:
    """The valid items of a list, each with its path. The list is at a key of what is at `path`."""
    for index, item in enumerate(parent.get(key, [])):
        if item is not None:
            yield f"{path}.{key}[{index}]", item


def _criteria_of_phases(movement: Values) -> Placed:
    for path, phase in _placed(movement, "phases"):
        yield from _placed(phase, "criteria", path)


def _criteria(detection: Values) -> Placed:
    """All that asks for an angle, with its path."""
    movement = detection.get("movement", {})
    yield from _criteria_of_phases(movement)
    yield from _placed(detection.get("setup", {}), "start", SETUP)
    for key in ("throughout", "checks", "feedback"):
        yield from _placed(movement, key)


# --- Numbers ---------------------------------------------------------------------------------


def _ends(value: float | Reference, declared: Declared) -> tuple[float, float] | None:
    """The least and the greatest number that a value may be; None where they aren't known."""
    if not isinstance(value, Reference):
        return value, value
    parameter = declared.get(value.name)
    return None if parameter is None else (parameter.minimum, parameter.maximum)


def _check_bounds(values: Values, path: str, declared: Declared, report: Report) -> None:
    """Report a least bound that is above the greatest, or can be."""
    low_key = next((key for key in ("min", "angle_min") if key in values), "min")
    high_key = next((key for key in ("max", "angle_max") if key in values), "max")
    low, high = values.get(low_key, 0.0), values.get(high_key, 180.0)
    low_ends, high_ends = _ends(low, declared), _ends(high, declared)
    if low_ends is None or high_ends is None or low_ends[1] <= high_ends[0]:
        return
    of_low = low.name if isinstance(low, Reference) else ""
    of_high = high.name if isinstance(high, Reference) else ""
    if not of_low and not of_high:
        message = f"{low_key} {low:g} is above {high_key} {high:g}."
    elif of_low == of_high:
        return  # the same number
    else:
        lower = f"${of_low}, which may be up to {low_ends[1]:g}," if of_low else f"{low:g}"
        upper = f"${of_high}, which may be down to {high_ends[0]:g}" if of_high else f"{high:g}"
        message = (
            f"{low_key} {lower} can be above {high_key} {upper}: narrow the parameter's min and"
            " max."
        )
    report.error("bounds_reversed", message, f"{path}.{low_key}")


def _check_parameters(document: Values, declared: Declared, report: Report) -> None:
    """Report what no number of a session could make valid, and what not all of them would."""
    for name, parameter in declared.items():
        if parameter is None:
            continue
        path, default = f"{PARAMETERS}.{name}", parameter.default
        low, high = parameter.minimum, parameter.maximum
        if low > high:
            report.error("bounds_reversed", f"min {low:g} is above max {high:g}.", f"{path}.min")
        elif not low <= default <= high:
            message = f"default must be from {low:g} to {high:g}, not {default:g}."
            report.error("default_out_of_bounds", message, f"{path}.default")
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


def unknown_parameter(name: str, known: Collection[str]) -> str:
    """The sentence for a parameter that a document does not have."""
    sentence = f"No parameter has the name {quote(name)}"
    if near := nearest(name, known):
        return f"{sentence}; the nearest is {near}."
    names = textwrap.shorten(", ".join(known), 100, placeholder=" …")
    return f"{sentence}; there are {names}." if names else f"{sentence}: there are none."


# --- Names -----------------------------------------------------------------------------------


def _names(movement: Values, key: str) -> list[str | None]:
    """The names of the phases or the checks: None for one without a valid name."""
    return [(item or {}).get("name") for item in movement.get(key, [None])]


def _check_unique_names(movement: Values, key: str, report: Report) -> None:
    first: dict[str, str] = {}
    for path, item in _placed(movement, key):
        name = item.get("name")
        if name is not None and first.setdefault(name, path) != path:
            message = f"{key_of(first[name])} has the name {quote(name)} already."
            report.error(f"duplicate_{key.removesuffix('s')}", message, f"{path}.name")


def _check_references(movement: Values, report: Report) -> None:
    """Report the names of no phase, step or check."""
    phases = _names(movement, "phases")
    steps = [_phase_of(step) for step in movement.get("sequence", [])]
    checks = _names(movement, "checks")
    checks += [f"tempo.{part}" for part in movement.get("tempo", {})]
    used: list[tuple[str, str | None, list[Any], str]] = []
    for index, step in enumerate(movement.get("sequence", [])):
        key = ".phase" if isinstance(step, dict) else ""
        used.append(("phase", steps[index], phases, f"{MOVEMENT}.sequence[{index}]{key}"))
    for path, check in _placed(movement, "checks"):
        used.append(("phase", check.get("when"), phases, f"{path}.when"))
    for path, cue in _placed(movement, "feedback"):
        when = cue.get("when")
        if isinstance(when, dict):
            used.append(("check", when.get("check"), checks, f"{path}.when.check"))
        else:
            used.append(("phase", when, [*phases, *RESERVED_WHEN, NOT_READY], f"{path}.when"))
        used.append(("step", cue.get("step"), steps, f"{path}.step"))
    for what, name, known, path in used:
        # One without a valid name may be meant.
        if name is not None and name not in known and None not in known:
            report.error(f"unknown_{what}", _unknown(what, name, known), path)


def _unknown(what: str, name: str, known: list[str]) -> str:
    """The sentence for the name of no phase, step or check."""
    if what == "step" and not known:
        return "A hold has no steps: leave step out."
    message = f"No {what} has the name {quote(name)}"
    if what == "step":
        message = f"No step of the sequence is {quote(name)}"
    if near := nearest(name, known):
        message += f"; the nearest is {quote(near)}"
    return f"{message}."


def _check_languages(message: str | Values | None, path: str, report: Report) -> None:
    seen = set[str]()
    for tag in message if isinstance(message, dict) else ():
        if tag.lower() in seen:
            sentence = f"The language {quote(tag)} is here a second time."
            report.error("duplicate_key", sentence, child_path(path, tag))
        seen.add(tag.lower())


# --- Sides and cues --------------------------------------------------------------------------


def _check_sides(criteria: Placed, what: str, report: Report) -> None:
    first_side: dict[str, str] = {}
    for path, criterion in criteria:
        measure, side = criterion.get("joint") or criterion.get("lean"), criterion.get("side")
        if measure is None or side not in _GROUPS:
            continue
        first = first_side.setdefault(measure, side)
        if _GROUPS[first] != _GROUPS[side]:
            message = (
                f"This {what} has {measure} {first} already: {_GROUPS[side]} cannot stand beside"
                f" {_GROUPS[first]} of the same angle."
            )
            report.error("side_conflict", message, f"{path}.side")


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


def _check_cues_on_entry(movement: Values, report: Report) -> None:
    counted = Counter[str]()
    for path, cue in _placed(movement, "feedback"):
        when = cue.get("when")
        if not isinstance(when, str) or when in (*RESERVED_WHEN, NOT_READY):
            continue
        if "joint" in cue or "lean" in cue:
            continue
        counted[when] += 1
        if counted[when] > MAX_CUES_ON_ENTRY:
            message = (
                f"{quote(when)} has {MAX_CUES_ON_ENTRY} cues without a joint or lean already,"
                " which all fire when it is entered."
            )
            report.error("too_many_cues", message, path)


# --- The sequence ----------------------------------------------------------------------------
# Neighbours differ, also where optional steps between them are left out: entering the current
# phase changes nothing, so the later of two equal neighbours could never be told from the earlier.

_SEQUENCE = f"{MOVEMENT}.sequence"


def _phase_of(step: Any) -> Any:
    """The name of a step's phase, from a text or a mapping; None where it is not valid."""
    return step.get("phase") if isinstance(step, dict) else step


def check_sequence(sequence: list[Any], report: Report) -> None:
    for index, step in enumerate(sequence):
        options: Values = step if isinstance(step, dict) else {}
        if options.get("optional") and index in (0, len(sequence) - 1):
            which = "last" if index else "first"
            message = (
                f"The {which} step cannot be optional: a repetition begins and ends somewhere."
            )
            report.error("step_not_allowed", message, f"{_SEQUENCE}[{index}].optional")
        if "within_ms" in options and index == 0:
            message = "The first step has none before it, since which within_ms could be counted."
            report.error("step_not_allowed", message, f"{_SEQUENCE}[0].within_ms")
        _check_neighbours(sequence, index, report)


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
