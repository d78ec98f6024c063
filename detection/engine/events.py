"""The events that the engine tells."""

from dataclasses import dataclass
from typing import Any

from detection.spec import Cue


@dataclass(frozen=True, slots=True)
class DetectionEvent:
    """An event of the engine; `payload` is ready for JSON.

    `ts_ms` is the timestamp of the deciding frame, or the time at which a clock lost the pose.
    """

    type: str
    ts_ms: float
    payload: dict[str, Any]


def shape(type_: str, phase: str, confidence: float, now: float) -> DetectionEvent:
    return DetectionEvent(type_, now, {"shape_key": phase, "confidence": confidence})


def feedback(cue: Cue, now: float) -> DetectionEvent:
    return DetectionEvent("feedback", now, {"level": cue.level, "message": cue.message})
