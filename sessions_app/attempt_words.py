"""Why an attempt did not count, in words: `Not reached: trunk at most 60° at bottom, by 12°`; and
what became of each check."""

from collections.abc import Mapping
from typing import Any, Final

from detection import JOINT_LANDMARKS, Criterion, MoveSpec, driving_angles
from detection.roles import times_words
from detection.spec import MOVEMENT, is_of_tempo

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


def why_words(payload: Mapping[str, Any], spec: MoveSpec | None) -> str:
    """Why an attempt did not count: the reason, the criterion and by how much it was missed.

    `payload` is that of its `event_interrupted`; older code has stored the reason alone. Without
    its MoveSpec the path stands for the criterion.
    """
    reason: str = payload["reason"]
    path, by = payload.get("path"), payload.get("by")
    is_one_sided = payload.get("detail") == "one_sided"
    # A hold's time has no path, and neither has what was not measured.
    is_time = path is None or path.startswith((f"{MOVEMENT}.sequence", f"{MOVEMENT}.tempo"))
    words = REASONS.get(reason) or reason.replace("_", " ").capitalize()
    if is_one_sided:
        words = "One side stayed behind"
    elif reason == "not_reached" and is_time:
        words = "Let go too soon" if path is None else "Left too soon"
    elif reason == "poor_form" and path is not None and by is None:
        words = "A required check could not be seen"
    missed = None if by is None else time_words(by) if is_time else degrees_words(by)
    if path is None:
        return f"{words}, {missed} short" if missed else words
    way = way_words(path, spec, of_strict=is_one_sided) if reason == "not_reached" else None
    words = f"{words}: {way or place_words(path, reason, spec) or path}"
    if missed is None:
        return words
    return f"{words}, {missed} short" if way else f"{words}, by {missed}"


def place_words(path: str, reason: str, spec: MoveSpec | None) -> str | None:
    """What stands at a path of a MoveSpec, such as `knee at most 110° at bottom`."""
    if spec is None:
        return None
    phases = {its_path: phase for its_path, phase, _ in spec.phase_criteria()}
    if criterion := spec.criteria_by_path.get(path):
        where = f"at {phases[path].name}" if path in phases else "throughout"
        return f"{criterion_words(criterion)} {where}"
    for tempo in spec.tempo:
        if path == spec.check_paths[tempo.name]:
            return f"{tempo.name}, {times_words(tempo)}"
    for check in spec.checks:
        if path == spec.check_paths[check.name]:
            where = f"at {check.when}" if check.when else f"in the whole {spec.type}"
            words = criterion_words(check.criterion)
            return f"{check.name}, {words} at its {check.extreme} {where}"
    for number, step in enumerate(spec.steps):
        if path == f"{MOVEMENT}.sequence[{number}]":
            if reason == "not_reached":
                return f"{step.phase} for {time_words(step.hold_ms)}"
            if reason == "too_slow" and step.within_ms is not None:
                return f"{step.phase} within {time_words(step.within_ms)}"
            return f"{step.phase} was to come next"
    return None


def way_words(path: str, spec: MoveSpec | None, *, of_strict: bool = False) -> str | None:
    """Such as `knee on the way to bottom`; None where a band was missed.

    A driving angle goes by the person's own range unless its phase is strict: then the range was
    missed, which is not the band. With `of_strict` this is so of strict phases too, as where one
    side stayed behind.
    """
    for its_path, phase, criterion in spec.phase_criteria() if spec else ():
        if spec and path == its_path and (of_strict or not phase.strict):
            for carried in driving_angles(spec):
                phases = carried.low_phases | carried.high_phases
                if criterion.measure == carried.measure and phase.name in phases:
                    return f"{measure_words(criterion)} on the way to {phase.name}"
    return None


def check_words(check: Mapping[str, Any]) -> str:
    """What became of a check, from its event: `depth missed by 6.4° (96°)`."""
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
    side = "each" if criterion.side == "both" else criterion.side or ""
    name = f"{side} {criterion.measure.replace('_', ' ')}".lstrip()
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
