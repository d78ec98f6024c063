"""The outcome of a repetition, of an attempt at one, or of a hold, before anybody is told."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from detection.engine.times import TIMES, told_part
from detection.spec import BODY_SIDES, DETAILS, REASONS, BodySide, Detail, Reason, TempoCheck

COMPLETION: Final = "event_completed"
INTERRUPTION: Final = "event_interrupted"
# A hold is over: its time is summed up, and no event tells of it.
LET_GO: Final = ""


@dataclass(slots=True, eq=False)
class Outcome:
    """An outcome in plain values, so that the engine's state can keep it. `kind` is the type of its
    event, and `ts_ms` the time of the frame that decided it."""

    ts_ms: float = 0.0
    kind: str = LET_GO
    side: BodySide | Literal[""] = ""
    # Of a completion: of its steps their numbers and milliseconds.
    score: float | None = None
    duration_ms: float | None = None
    form: float | None = None
    # Of a hold too that is over.
    held_ms: float | None = None
    steps: list[int] = field(default_factory=list)
    steps_ms: list[float] = field(default_factory=list)
    # As a timekeeper has them.
    times: list[float | None] = field(default_factory=list)
    # Of both: of each measure the least and the most, as a range keeps them.
    least: list[int | None] = field(default_factory=list)
    most: list[int | None] = field(default_factory=list)
    # As of a `Verdict`.
    values: list[float | None] = field(default_factory=list)
    missed: list[float | None] = field(default_factory=list)
    # The names of the views from which the body was not seen in most of the frames.
    unseen: str = ""
    # When the last completion's way back began, and when it was over: told with what comes next.
    back: list[float] = field(default_factory=list)
    # Of an interruption.
    reason: Reason | Literal[""] = ""
    path: str = ""
    by: float | None = None
    detail: Detail | Literal[""] = ""
    # The number of the step that was to come next.
    step: int | None = None
    is_under_way: bool = False
    # Whether a repetition goes on beside it.
    is_aside: bool = False

    def come_back(self, times: Sequence[float | None], way_back: TempoCheck | None) -> None:
        """Take the times of a completion once its way back is over, and what its tempo asks."""
        self.times = list(times)
        if way_back is not None:
            ms = told_part(times, "back")
            self.values[-1] = None if ms is None else float(ms)
            self.missed[-1] = None if ms is None else way_back.missed_by(ms)

    def check(self, steps: int, measures: int, checks: int) -> None:
        """Raise ValueError for one that a MoveSpec of so many steps, measures and checks can't
        have."""
        if self.side and self.side not in BODY_SIDES:
            raise ValueError("Not a side of the body.")
        if self.kind != LET_GO and {len(self.values), len(self.missed)} != {checks}:
            raise ValueError("Not the values of so many checks.")
        if self.kind != LET_GO and {len(self.least), len(self.most)} != {measures}:
            raise ValueError("Not a range of so many measures.")
        if not {"side", "front"}.issuperset(self.unseen.split()):
            raise ValueError("Not a view.")
        if len(self.back) not in (0, 2) or None in self.back:
            raise ValueError("Not a way back.")
        if self.kind == INTERRUPTION:
            if self.reason not in REASONS:
                raise ValueError("Not a reason.")
            if self.detail and self.detail not in DETAILS:
                raise ValueError("Not a detail.")
            if self.step is not None and self.step not in range(steps):
                raise ValueError("Not a step.")
        elif self.kind == COMPLETION:
            if any(step not in range(steps) for step in self.steps):
                raise ValueError("Not a step.")
            if len(self.steps) != len(self.steps_ms) or None in self.steps_ms:
                raise ValueError("Not a time of each step.")
            if len(self.times) not in (0, TIMES):
                raise ValueError("Not the times of a repetition.")
        elif self.kind != LET_GO or self.held_ms is None:
            raise ValueError("Not an outcome.")
