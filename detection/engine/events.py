"""The events of the engine, and the outcomes that they tell of."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from detection.engine.arithmetic import rounded_degrees
from detection.spec import (
    MOVEMENT,
    BodySide,
    Check,
    Cue,
    Detail,
    Reason,
    TempoCheck,
    TempoPart,
    View,
)

Payload = dict[str, Any]
# Each with the view from which its degrees hold.
ViewedChecks = Sequence[tuple[Check | TempoCheck, View]]
# What was missed was missed by something.
MIN_DIFFERENCE: Final = 0.1

COMPLETION: Final = "event_completed"
INTERRUPTION: Final = "event_interrupted"
# A hold is over: its time is summed up, and no event tells of it.
LET_GO: Final = ""

# The order of the events of a frame.
_PLACES: Final = {"shape_exit": 0, "shape_enter": 0, COMPLETION: 1, INTERRUPTION: 1, "feedback": 2}


@dataclass(frozen=True, slots=True)
class DetectionEvent:
    """An event of the engine; `payload` is ready for JSON.

    `ts_ms` is the timestamp of the deciding frame, or the time at which a clock lost the pose.
    """

    type: str
    ts_ms: float
    payload: dict[str, Any]


def in_order(events: list[DetectionEvent]) -> list[DetectionEvent]:
    """The events of a frame in the order in which they are sent; those alike stay as they are."""
    if len(events) > 1:
        events.sort(key=_place)
    return events


def _place(event: DetectionEvent) -> tuple[float, int]:
    return event.ts_ms, _PLACES[event.type]


def shape(
    type_: str, phase: str, confidence: float, now: float, side: BodySide | None
) -> DetectionEvent:
    return _sided(type_, now, {"shape_key": phase, "confidence": confidence}, side)


def feedback(cue: Cue, now: float, side: BodySide | None) -> DetectionEvent:
    payload = {"level": cue.level, "message": cue.message, "key": cue.key}
    return _sided("feedback", now, payload, side)


def _sided(type_: str, now: float, payload: Payload, side: BodySide | None) -> DetectionEvent:
    if side is not None:
        payload["side"] = side
    return DetectionEvent(type_, now, payload)


# When a repetition began, reached its far end, left that, and ended. None is not known.
Times = list[float | None]
EXITED: Final = 2
ENDED: Final = 3
TIMES: Final = 4


def times_payload(times: Sequence[float | None]) -> dict[str, Any]:
    """The times of a repetition, and how long its parts took; null without any."""
    began, reached, left, ended = [
        None if ms is None else round(ms) for ms in times or [None] * TIMES
    ]
    return {
        "times": {"began_ms": began, "reached_ms": reached, "left_ms": left, "ended_ms": ended},
        "out_ms": _between(began, reached),
        "stay_ms": _between(reached, left),
        "back_ms": _between(left, ended),
    }


def part_ms(times: Sequence[float | None], part: TempoPart) -> int | None:
    """How long a part of a repetition took; None where that is not known."""
    ms: int | None = times_payload(times)[f"{part}_ms"]
    return ms


def _between(one: int | None, other: int | None) -> int | None:
    return None if one is None or other is None else other - one


@dataclass(slots=True, eq=False)
class Outcome:
    """The outcome of a repetition, of an attempt at one, or of a hold, in plain values so that the
    engine's state can keep it. `kind` is the type of its event, and `ts_ms` the time of the frame
    that decided it."""

    ts_ms: float = 0.0
    kind: str = LET_GO
    side: BodySide | Literal[""] = ""
    # Of a completion; the score is None for a hold. Of its steps their numbers and milliseconds.
    score: float | None = None
    duration_ms: float | None = None
    form: float | None = None
    # Also of a hold that is over.
    held_ms: float | None = None
    steps: list[int] = field(default_factory=list)
    steps_ms: list[float] = field(default_factory=list)
    # As a timekeeper has them.
    times: list[float | None] = field(default_factory=list)
    # Of both: of each measure the least and the most, as a range keeps them.
    least: list[int | None] = field(default_factory=list)
    most: list[int | None] = field(default_factory=list)
    # Of each check, as `Checks.verdict` has them.
    values: list[float | None] = field(default_factory=list)
    missed: list[float | None] = field(default_factory=list)
    # The names of the views from which the body was not seen in most of the frames.
    unseen: str = ""
    # When the last completion's way back began, and when it was over: told with what comes next.
    back: list[float] = field(default_factory=list)
    # Of an interruption: the path of what did not hold, and by how much that was missed; None where
    # nothing was measured.
    reason: Reason | Literal[""] = ""
    path: str = ""
    by: float | None = None
    detail: Detail | Literal[""] = ""
    # The number of the step that was to come next, where that is the reason.
    step: int | None = None
    # Whether a repetition was past its first step.
    is_under_way: bool = False
    # Whether a repetition goes on beside it.
    is_aside: bool = False

    def come_back(self, times: Sequence[float | None], way_back: TempoCheck | None) -> None:
        """Take the times of a completion once its way back is over, and judge its tempo."""
        self.times = list(times)
        if way_back is not None:
            ms = part_ms(times, "back")
            self.values[-1] = None if ms is None else float(ms)
            self.missed[-1] = None if ms is None else way_back.missed_by(ms)


def interruption(
    reason: Reason,
    path: str = "",
    by: float | None = None,
    *,
    is_under_way: bool = True,
    step: int | None = None,
    detail: Detail | Literal[""] = "",
) -> Outcome:
    """A repetition that was broken off, or an attempt at one."""
    return Outcome(
        kind=INTERRUPTION,
        reason=reason,
        path=path,
        by=by,
        is_under_way=is_under_way,
        step=step,
        detail=detail,
    )


def step_path(number: int) -> str:
    return f"{MOVEMENT}.sequence[{number}]"


def checks_payload(outcome: Outcome, checks: ViewedChecks) -> list[Payload]:
    """Each check of an outcome: whether it was met, its value, and by how much it was missed."""
    return [
        _of_tempo(check, value)
        if isinstance(check, TempoCheck)
        else {
            "name": check.name,
            "met": None if missed is None else missed == 0.0,
            "value": value,
            "by": by_payload(missed or None),
            **({"uncertain": True} if view in outcome.unseen and value is not None else {}),
        }
        for (check, view), value, missed in zip(checks, outcome.values, outcome.missed, strict=True)
    ]


def _of_tempo(check: TempoCheck, ms: float | None) -> Payload:
    missed = 0.0 if ms is None else check.missed_by(ms)
    return {
        "name": check.name,
        "met": None if ms is None else missed == 0.0,
        "value": None if ms is None else round(ms),
        "by": max(round(missed), 1) if missed else None,
    }


def by_payload(missed: float | None) -> float | None:
    return None if missed is None else max(rounded_degrees(missed), MIN_DIFFERENCE)


def back_payload(back: Sequence[float], check: TempoCheck | None) -> Payload | None:
    """The end of the last completion's way back; None where it was told already."""
    if not back:
        return None
    left_ms, ended_ms = map(round, back)
    payload: Payload = {"ended_ms": ended_ms, "back_ms": ended_ms - left_ms}
    if check is not None:
        payload["checks"] = [_of_tempo(check, float(ended_ms - left_ms))]
    return payload
