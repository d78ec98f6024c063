"""The events that the engine tells."""

from dataclasses import dataclass
from typing import Any, Final

from detection.engine.repetition import Completed, Interrupted
from detection.spec import BodySide, Cue

Payload = dict[str, Any]
# What was missed was missed by something.
LEAST_BY: Final = 0.1


@dataclass(frozen=True, slots=True)
class DetectionEvent:
    """An event of the engine; `payload` is ready for JSON.

    `ts_ms` is the timestamp of the deciding frame, or the time at which a clock lost the pose.
    """

    type: str
    ts_ms: float
    payload: dict[str, Any]


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
    event_key: str,
    completed: Completed,
    number: int,
    side: BodySide | None,
    measures: Payload,
    form: float | None,
    held_ms: float | None,
    now: float,
) -> DetectionEvent:
    payload: Payload = {
        "event_key": event_key,
        "score": completed.score,
        "number": number,
        "side": side,
        "metrics": {
            "duration_ms": round(completed.duration_ms),
            "steps": [{"phase": step.phase, "ms": round(step.ms)} for step in completed.steps],
            "measures": measures,
            "form": form,
            "held_ms": None if held_ms is None else round(held_ms),
        },
    }
    return DetectionEvent("event_completed", now, payload)


def interruption(
    interrupted: Interrupted, number: int | None, now: float, side: BodySide | None
) -> DetectionEvent:
    by = interrupted.by
    payload: Payload = {
        "reason": interrupted.reason,
        "number": number,
        "side": side,
        "path": interrupted.path,
        "by": None if by is None else max(round(by, 1), LEAST_BY),
    }
    return DetectionEvent("event_interrupted", now, payload)
