"""The MoveSpec of a document's checked values."""

from collections.abc import Mapping, Sequence
from math import inf
from typing import Any, cast

from detection.language.bounds import Bound, high_bound, low_bound
from detection.language.languages import chosen_text
from detection.language.parameters import declared_parameters, filled
from detection.language.visible_landmarks import BODY_PARTS, in_order
from detection.spec import (
    TEMPO_PARTS,
    Check,
    Condition,
    Criterion,
    Cue,
    Extreme,
    MoveSpec,
    Parameter,
    Phase,
    Setup,
    Step,
    TempoCheck,
)

Values = dict[str, Any]


def parameters_of(document: Values) -> tuple[Parameter, ...]:
    return tuple(one for one in declared_parameters(document).values() if one is not None)


def compile_movespec(
    document: Values, numbers: Mapping[str, float], locale: str | None = None
) -> MoveSpec:
    """The MoveSpec of a valid document, with a number for each of its parameters that `numbers`
    has, else its default, and with the messages of `locale`."""
    given = {one.name: numbers.get(one.name, one.default) for one in parameters_of(document)}
    if given:
        document = filled(document, given)
    detection = document["detection"]
    movement = detection["movement"]
    checks = tuple(map(_check, movement["checks"]))
    tempo = _tempo(movement.get("tempo", {}))
    is_hold = detection["type"] == "hold"
    is_strict = movement.get("judge") == "bands"
    return MoveSpec(
        name=document["name"],
        version=document["version"],
        description=document.get("description"),
        movement_name=movement["name"],
        phases=tuple(_phase(phase, is_strict=is_strict) for phase in movement["phases"]),
        steps=tuple(map(_step, movement.get("sequence", []))),
        feedback=tuple(_cue(cue, (*checks, *tempo), locale) for cue in movement["feedback"]),
        type=detection["type"],
        setup=_setup(detection["setup"]) if "setup" in detection else None,
        throughout=_throughout(movement.get("throughout", [] if is_hold else None)),
        counts_each_side=movement.get("count") == "each_side",
        checks=checks,
        tempo=tempo,
        plane=movement.get("plane"),
        both_move=movement.get("both_move", False),
        **_times(movement) if is_hold else {},
    )


def _times(movement: Values) -> dict[str, float]:
    return {key: float(movement[key]) for key in ("target_ms", "grace_ms")}


def _phase(phase: Values, *, is_strict: bool) -> Phase:
    criteria = tuple(map(_criterion, phase["criteria"]))
    return Phase(phase["name"], phase.get("description"), criteria, phase["strict"] or is_strict)


def _step(step: str | Values) -> Step:
    if isinstance(step, str):
        return Step(step)
    within_ms = step.get("within_ms")
    return Step(step["phase"], float(step["hold_ms"]), within_ms, step["optional"])


def _setup(setup: Values) -> Setup:
    visible = setup.get("visible", [])
    is_body_part = isinstance(visible, str)
    names = BODY_PARTS[visible] if is_body_part else visible
    start = tuple(map(_criterion, setup["start"]))
    return Setup(in_order(names), setup["view"], start, is_body_part)


def _throughout(conditions: list[Values] | None) -> tuple[Condition, ...] | None:
    if conditions is None:
        return None
    return tuple(Condition(_criterion(one), float(one["grace_ms"])) for one in conditions)


def _check(check: Values) -> Check:
    extreme, criterion = _extreme(check)
    return Check(check["name"], check.get("when"), criterion, extreme, check["required"])


def _tempo(tempo: Values) -> tuple[TempoCheck, ...]:
    return tuple(
        TempoCheck(
            part,
            float(bounds.get("min", 0.0)),
            float(bounds.get("max", inf)),
            bounds["required"],
        )
        for part in TEMPO_PARTS
        if (bounds := tempo.get(part)) is not None
    )


def _cue(cue: Values, checks: Sequence[Check | TempoCheck], locale: str | None) -> Cue:
    when, check, is_met = cue["when"], None, True
    extreme, criterion = None, None
    if isinstance(when, dict):
        check, is_met = when["check"], when["met"]
        meant = next(one for one in checks if one.name == check)
        when = ""
        if isinstance(meant, Check):
            when, extreme, criterion = meant.when or "", meant.extreme, meant.criterion
    elif "least" in cue or "most" in cue:
        extreme, criterion = _extreme(cue)
    elif "joint" in cue or "lean" in cue:
        criterion = _criterion(cue)
    message = cue["message"]
    return Cue(
        when=when,
        criterion=criterion,
        level=cue["level"],
        message=message if isinstance(message, str) else chosen_text(message, locale),
        extreme=extreme,
        reason=cue.get("reason"),
        key=cue.get("key"),
        every=int(cue["every"]),
        min_gap_ms=float(cue["min_gap_ms"]),
        form=_form(cue["form"]) if "form" in cue else None,
        detail=cue.get("detail"),
        step=cue.get("step"),
        check=check,
        is_met=is_met,
    )


def _form(values: Values) -> tuple[float, float]:
    return float(values.get("min", 0.0)), float(values.get("max", 1.0))


def _extreme(values: Values) -> tuple[Extreme, Criterion]:
    extreme: Extreme = "least" if "least" in values else "most"
    return extreme, _criterion({**values, **values[extreme]})


def _criterion(values: Values) -> Criterion:
    tolerance = values.get("tolerance")
    return Criterion(
        measure=values.get("joint") or values["lean"],
        side=values.get("side"),
        minimum=_filled(low_bound(values)),
        maximum=_filled(high_bound(values)),
        tolerance=None if tolerance is None else float(tolerance),
    )


def _filled(bound: Bound) -> float:
    return float(cast("float", bound.value))
