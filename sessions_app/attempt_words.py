"""Why an attempt did not count, in words: `Not reached: trunk at most 60° at bottom, by 12°`; and
what became of each check."""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from detection import JOINT_LANDMARKS, Criterion, MoveSpec, Side, Step, carried_angles
from detection.role_words import times_words
from detection.spec import Check, is_of_tempo

REASONS: Final[Mapping[str, str]] = {
    "out_of_order": "Out of order",
    "session_ended": "The session ended midway",
    "pose_lost": "Nobody was seen any more",
    "condition": "A condition was broken",
    "not_reached": "Not reached",
    "too_slow": "Too slow",
    "poor_form": "A required check was missed",
    "not_ready": "The setup was lost",
}
"""Each reason of an `event_interrupted`."""

# `not_reached` where that is a time: of a hold, and of a phase that must last.
LET_GO, LEFT = "Let go too soon", "Left too soon"
# `not_reached` where both sides must move.
ONE_SIDED = "One side stayed behind"
# `poor_form` where nothing was measured.
UNSEEN = "A required check could not be seen"
OF_SIDES: Final[Mapping[Side | None, str]] = {
    None: "", "left": "left ", "right": "right ", "both": "each ", "either": "either ",
    "front": "front ", "back": "back ",
}  # fmt: skip
_CRITERION = re.compile(r"detection\.movement\.phases\[(\d+)]\.criteria\[(\d+)]")
_CONDITION = re.compile(r"detection\.movement\.throughout\[(\d+)]")
_CHECK = re.compile(r"detection\.movement\.checks\[(\d+)]")
_TEMPO = re.compile(r"detection\.movement\.tempo\.\w+")
_STEP = re.compile(r"detection\.movement\.sequence\[(\d+)]")


def why_words(payload: Mapping[str, Any], spec: MoveSpec | None) -> str:
    """Why an attempt did not count: the reason, the criterion and by how much it was missed.

    `payload` is that of its `event_interrupted`, of which older code has stored the reason alone.
    Without its MoveSpec the criterion is named by its path.
    """
    told, path, by = reason_words(payload), payload.get("path"), payload.get("by")
    if path is None:
        # What has no place is a hold's time, or nothing was measured.
        return told if by is None else f"{told}, {time_words(by)} short"
    is_one_sided = payload.get("detail") == "one_sided"
    way = None
    if payload["reason"] == "not_reached":
        way = way_words(path, spec, of_strict=is_one_sided)
    if way is not None:
        return f"{told}: {way}" if by is None else f"{told}: {way}, {degrees_words(by)} short"
    missed = ""
    if by is not None:
        is_time = _STEP.fullmatch(path) or _TEMPO.fullmatch(path)
        missed = f", by {time_words(by) if is_time else degrees_words(by)}"
    return f"{told}: {place_words(path, payload['reason'], spec) or path}{missed}"


def reason_words(payload: Mapping[str, Any]) -> str:
    """The reason alone: `Not reached`."""
    reason: str = payload["reason"]
    path: str | None = payload.get("path")
    if payload.get("detail") == "one_sided":
        return ONE_SIDED
    if reason == "not_reached" and path is None:
        return LET_GO
    if reason == "not_reached" and path is not None and _STEP.fullmatch(path):
        return LEFT
    if reason == "poor_form" and path is not None and payload.get("by") is None:
        return UNSEEN
    return REASONS.get(reason) or reason.replace("_", " ").capitalize()


def place_words(path: str, reason: str, spec: MoveSpec | None) -> str | None:
    """What stands at a path of a MoveSpec, such as `knee at most 110° at bottom`."""
    if spec is None:
        return None
    for check in spec.tempo:
        if path == spec.check_paths[check.name]:
            return f"{check.name}, {times_words(check)}"
    try:
        for pattern, words in _PLACES.items():
            if found := pattern.fullmatch(path):
                return words(spec, reason, *map(int, found.groups()))
    except IndexError:  # a place that this MoveSpec has not
        pass
    return None


def way_words(path: str, spec: MoveSpec | None, *, of_strict: bool = False) -> str | None:
    """Such as `knee on the way to bottom`; None where no way is missed but a band.

    What carries the movement goes by the person's own range unless its phase is strict. Then what
    was missed is of the way that it had to go, and says nothing of the band. So it is `of_strict`
    phases too where one side stayed behind.
    """
    if spec is None or not (found := _CRITERION.fullmatch(path)):
        return None
    try:
        phase = spec.phases[int(found[1])]
        criterion = phase.criteria[int(found[2])]
    except IndexError:  # a place that this MoveSpec has not
        return None
    goes_by_range = (of_strict or not phase.strict) and any(
        criterion.measure == carried.measure
        and phase.name in carried.low_phases | carried.high_phases
        for carried in carried_angles(spec)
    )
    return f"{measure_words(criterion)} on the way to {phase.name}" if goes_by_range else None


def criterion_at(path: str, spec: MoveSpec) -> Criterion | None:
    """The criterion that stands at a path; None where no criterion does."""
    if found := _CRITERION.fullmatch(path):
        phase, number = map(int, found.groups())
        return spec.phases[phase].criteria[number]
    if found := _CONDITION.fullmatch(path):
        return (spec.throughout or ())[int(found[1])].criterion
    if found := _CHECK.fullmatch(path):
        return spec.checks[int(found[1])].criterion
    return None


def check_words(check: Mapping[str, Any]) -> str:
    """What became of a check, as events tell it: `depth missed by 6.4° (96°)`."""
    name, met, value = check["name"], check["met"], check["value"]
    if met is None:
        return f"{name} not judged"
    words = time_words if is_of_tempo(name) else degrees_words
    missed = "met" if met else f"missed by {words(check['by'])}"
    uncertain = ", uncertain" if check.get("uncertain") else ""
    return f"{name} {missed} ({words(value)}{uncertain})"


def criterion_words(criterion: Criterion) -> str:
    """Such as `left knee at most 110°`, `lean of the trunk 20° to 60°`."""
    return f"{measure_words(criterion)} {band_words(criterion.minimum, criterion.maximum)}"


def measure_words(criterion: Criterion) -> str:
    """Such as `left knee`, `lean of the trunk`."""
    name = f"{OF_SIDES[criterion.side]}{criterion.measure.replace('_', ' ')}"
    if criterion.measure not in JOINT_LANDMARKS:
        name = f"lean of {'' if criterion.side in ('both', 'either') else 'the '}{name}"
    return name


def degrees_words(degrees: float) -> str:
    return f"{degrees:.0f}°" if degrees >= 10 else f"{degrees:.1f}°"


def time_words(ms: float) -> str:
    return f"{ms:.0f} ms" if ms < 1000 else f"{ms / 1000:.1f} s"


def band_words(low: float, high: float) -> str:
    if low == high:
        return f"exactly {low:g}°"
    if low <= 0.0:
        return f"at most {high:g}°"
    return f"{low:g}° to {high:g}°" if high < 180.0 else f"at least {low:g}°"


def _of_phase(spec: MoveSpec, _reason: str, phase: int, criterion: int) -> str:
    held = spec.phases[phase]
    return f"{criterion_words(held.criteria[criterion])} at {held.name}"


def _throughout(spec: MoveSpec, _reason: str, number: int) -> str:
    return f"{criterion_words((spec.throughout or ())[number].criterion)} throughout"


def _check(spec: MoveSpec, _reason: str, number: int) -> str:
    check: Check = spec.checks[number]
    where = f"at {check.when}" if check.when else f"in the whole {spec.type}"
    return f"{check.name}, {criterion_words(check.criterion)} at its {check.extreme} {where}"


def _step(spec: MoveSpec, reason: str, number: int) -> str:
    step: Step = spec.steps[number]
    if reason == "not_reached":
        return f"{step.phase} for {time_words(step.hold_ms)}"
    if reason == "too_slow" and step.within_ms is not None:
        return f"{step.phase} within {time_words(step.within_ms)}"
    return f"{step.phase} was to come next"


_PLACES: Final[Mapping[re.Pattern[str], Callable[..., str]]] = {
    _CRITERION: _of_phase,
    _CONDITION: _throughout,
    _CHECK: _check,
    _STEP: _step,
}
