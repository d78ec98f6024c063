"""The events that the engine tells."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from detection.engine.outcomes import Outcome
from detection.engine.rounding import told_degrees, told_ms
from detection.engine.times import told_times
from detection.spec import BodySide, Check, Cue, TempoCheck, View

Payload = dict[str, Any]
# Each with the view from which its degrees hold.
Checks = Sequence[tuple[Check | TempoCheck, View]]
# What was missed was missed by something.
MIN_DIFFERENCE: Final = 0.1


@dataclass(frozen=True, slots=True)
class DetectionEvent:
    """An event of the engine; `payload` is ready for JSON.

    `ts_ms` is the timestamp of the deciding frame, or the time at which a clock lost the pose.
    """

    type: str
    ts_ms: float
    payload: dict[str, Any]


# What a body has left or entered, what became of it, what to do.
_PLACES: Final = {
    "shape_exit": 0,
    "shape_enter": 0,
    "event_completed": 1,
    "event_interrupted": 1,
    "feedback": 2,
}


def in_order(events: list[DetectionEvent]) -> list[DetectionEvent]:
    """The events of a frame in the order in which they are told; those alike stay as they are."""
    if len(events) > 1:
        events.sort(key=_place)
    return events


def _place(event: DetectionEvent) -> tuple[float, int]:
    return event.ts_ms, _PLACES[event.type]


def shape(
    type_: str, phase: str, confidence: float, now: float, side: BodySide | None
) -> DetectionEvent:
    payload: Payload = {"shape_key": phase, "confidence": confidence}
    if side is not None:
        payload["side"] = side
    return DetectionEvent(type_, now, payload)


def feedback(cue: Cue, now: float, side: BodySide | None) -> DetectionEvent:
    payload: Payload = {"level": cue.level, "message": cue.message, "key": cue.key}
    if side is not None:
        payload["side"] = side
    return DetectionEvent("feedback", now, payload)


def completion(
    outcome: Outcome,
    event_key: str,
    number: int,
    steps: Sequence[str],
    measures: Payload,
    checks: Checks,
    way_back: TempoCheck | None,
    asymmetry: Payload | None,
) -> DetectionEvent:
    """`steps` are the phases of the MoveSpec's steps. `asymmetry` is told where there is one."""
    held_ms = outcome.held_ms
    payload: Payload = {
        "event_key": event_key,
        "score": outcome.score,
        "number": number,
        "side": outcome.side or None,
        "metrics": {
            "duration_ms": told_ms(outcome.duration_ms or 0.0),
            "steps": [
                {"phase": steps[step], "ms": told_ms(ms)}
                for step, ms in zip(outcome.steps, outcome.steps_ms, strict=True)
            ],
            "measures": measures,
            "checks": _checks(outcome, checks),
            **told_times(outcome.times),
            "form": outcome.form,
            "held_ms": None if held_ms is None else told_ms(held_ms),
            "previous": _told_back(outcome.back, way_back),
        },
    }
    if asymmetry is not None:
        payload["metrics"]["asymmetry"] = asymmetry
    return DetectionEvent(outcome.kind, outcome.ts_ms, payload)


def interruption(
    outcome: Outcome,
    number: int | None,
    checks: Checks,
    way_back: TempoCheck | None,
    asymmetry: Payload | None,
) -> DetectionEvent:
    payload: Payload = {
        "reason": outcome.reason,
        "number": number,
        "side": outcome.side or None,
        "path": outcome.path or None,
        "by": _by(outcome.by),
        "metrics": {
            "checks": _checks(outcome, checks),
            "previous": _told_back(outcome.back, way_back),
        },
    }
    if outcome.detail:
        payload["detail"] = outcome.detail
    if asymmetry is not None:
        payload["metrics"]["asymmetry"] = asymmetry
    return DetectionEvent(outcome.kind, outcome.ts_ms, payload)


def _checks(outcome: Outcome, checks: Checks) -> list[Payload]:
    return [
        _of_tempo(check, value)
        if isinstance(check, TempoCheck)
        else {
            "name": check.name,
            "met": None if missed is None else missed == 0.0,
            "value": value,
            "by": _by(missed or None),
            **({"uncertain": True} if view in outcome.unseen and value is not None else {}),
        }
        for (check, view), value, missed in zip(checks, outcome.values, outcome.missed, strict=True)
    ]


def _of_tempo(check: TempoCheck, ms: float | None) -> Payload:
    missed = 0.0 if ms is None else check.missed_by(ms)
    return {
        "name": check.name,
        "met": None if ms is None else missed == 0.0,
        "value": None if ms is None else told_ms(ms),
        "by": max(told_ms(missed), 1) if missed else None,
    }


def _by(missed: float | None) -> float | None:
    return None if missed is None else max(told_degrees(missed), MIN_DIFFERENCE)


def _told_back(back: Sequence[float], check: TempoCheck | None) -> Payload | None:
    if not back:
        return None
    left_ms, ended_ms = map(round, back)
    told: Payload = {"ended_ms": ended_ms, "back_ms": ended_ms - left_ms}
    if check is not None:
        told["checks"] = [_of_tempo(check, float(ended_ms - left_ms))]
    return told
