"""The MoveSpec of a document's checked values, with numbers for its parameters."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import inf
from typing import Any

from detection.landmarks import BODY_PARTS, in_order
from detection.language.kinds import Reference
from detection.language.records import Values
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

# The declared parameters by name; None for an invalid one, whose numbers aren't known.
Declared = Mapping[str, Parameter | None]


def declared_parameters(document: Values) -> Declared:
    return {
        name: Parameter(name, one["default"], one["min"], one["max"], one.get("description"))
        if one and {"default", "min", "max"} <= one.keys()
        else None
        for name, one in document.get("detection", {}).get("parameters", {}).items()
    }


def references_in(value: object) -> Iterator[Reference]:
    """Where parameters stand in a document, or in a part of it."""
    match value:
        case Reference():
            yield value
        case dict():
            for part in value.values():
                yield from references_in(part)
        case list():
            for part in value:
                yield from references_in(part)


def _filled(value: Any, numbers: Mapping[str, float]) -> Any:
    """The value with the numbers in place of the names."""
    match value:
        case Reference():
            return numbers[value.name]
        case dict():
            return {key: _filled(part, numbers) for key, part in value.items()}
        case list():
            return [_filled(part, numbers) for part in value]
    return value


def compile_movespec(
    document: Values, numbers: Mapping[str, float], locale: str | None = None
) -> MoveSpec:
    """The MoveSpec of a valid document, with the messages of `locale`. A parameter without a
    number has its default."""
    given = {
        name: numbers.get(name, parameter.default)
        for name, parameter in declared_parameters(document).items()
        if parameter is not None
    }
    if given:
        document = _filled(document, given)
    detection = document["detection"]
    movement = detection["movement"]
    checks = tuple(map(_check, movement["checks"]))
    tempo = _tempo(movement.get("tempo", {}))
    is_hold = detection["type"] == "hold"
    times = {key: float(movement[key]) for key in ("target_ms", "grace_ms")} if is_hold else {}
    throughout = movement.get("throughout", [] if is_hold else None)
    is_strict = movement.get("judge") == "bands"
    return MoveSpec(
        name=document["name"],
        version=document["version"],
        description=document.get("description"),
        movement_name=movement["name"],
        phases=tuple(
            Phase(
                phase["name"],
                phase.get("description"),
                tuple(map(_criterion, phase["criteria"])),
                phase["strict"] or is_strict,
            )
            for phase in movement["phases"]
        ),
        steps=tuple(map(_step, movement.get("sequence", []))),
        feedback=tuple(_cue(cue, (*checks, *tempo), locale) for cue in movement["feedback"]),
        type=detection["type"],
        setup=_setup(detection["setup"]) if "setup" in detection else None,
        throughout=None
        if throughout is None
        else tuple(Condition(_criterion(one), float(one["grace_ms"])) for one in throughout),
        counts_each_side=movement.get("count") == "each_side",
        checks=checks,
        tempo=tempo,
        plane=movement.get("plane"),
        both_move=movement.get("both_move", False),
        **times,
    )


def _step(step: str | Values) -> Step:
    if isinstance(step, str):
        return Step(step)
    return Step(step["phase"], float(step["hold_ms"]), step.get("within_ms"), step["optional"])


def _setup(setup: Values) -> Setup:
    visible = setup.get("visible", [])
    is_body_part = isinstance(visible, str)
    names = BODY_PARTS[visible] if is_body_part else visible
    start = tuple(map(_criterion, setup["start"]))
    return Setup(in_order(names), setup["view"], start, is_body_part)


def _check(check: Values) -> Check:
    extreme, criterion = _extreme(check)
    return Check(check["name"], check.get("when"), criterion, extreme, check["required"])


def _tempo(tempo: Values) -> tuple[TempoCheck, ...]:
    return tuple(
        TempoCheck(part, *_range(bounds, 0.0, inf), bounds["required"])
        for part in TEMPO_PARTS
        if (bounds := tempo.get(part)) is not None
    )


def _range(values: Values, least: float, most: float) -> tuple[float, float]:
    return float(values.get("min", least)), float(values.get("max", most))


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
        message=text_for(message, locale),
        extreme=extreme,
        reason=cue.get("reason"),
        key=cue.get("key"),
        every=int(cue["every"]),
        min_gap_ms=float(cue["min_gap_ms"]),
        form=_range(cue["form"], 0.0, 1.0) if "form" in cue else None,
        detail=cue.get("detail"),
        step=cue.get("step"),
        check=check,
        is_met=is_met,
    )


def _extreme(values: Values) -> tuple[Extreme, Criterion]:
    extreme: Extreme = "least" if "least" in values else "most"
    return extreme, _criterion({**values, **values[extreme]})


def _criterion(values: Values) -> Criterion:
    least: Any = values["min"] if "min" in values else values.get("angle_min", 0.0)
    most: Any = values["max"] if "max" in values else values.get("angle_max", 180.0)
    tolerance = values.get("tolerance")
    return Criterion(
        measure=values.get("joint") or values["lean"],
        side=values.get("side"),
        minimum=float(least),
        maximum=float(most),
        tolerance=None if tolerance is None else float(tolerance),
    )


def text_for(message: str | Mapping[str, str], locale: str | None) -> str:
    """A message in the language for a locale."""
    return message if isinstance(message, str) else message[language_for(message, locale)]


def language_for(tags: Iterable[str], locale: str | None) -> str:
    """The tag for a locale by lookup (RFC 4647, section 3.4), else the English, else the first.

    Lookup takes the longest beginning of the locale that is a tag: for `de-AT` that is `de-AT`,
    else `de`; none that ends with a singleton, such as the x of `de-x-a`. Upper and lower case are
    the same.
    """
    by_tag = {tag.lower(): tag for tag in tags}
    subtags = (locale or "").lower().split("-")[:16]
    beginnings = (
        "-".join(subtags[:length])
        for length in range(len(subtags), 0, -1)
        if len(subtags[length - 1]) > 1
    )
    found = (by_tag[tag] for tag in (*beginnings, "en") if tag in by_tag)
    return next(found, next(iter(by_tag.values())))
