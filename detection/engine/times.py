"""The true times of a repetition: its way out, the stay there, and the way back."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from detection.engine.held_carriers import END, START
from detection.engine.swing import Swing
from detection.spec import TEMPO_PARTS, TempoPart

# When a repetition began, reached its far end, left that, and ended. None is not known.
Times = list[float | None]
BEGAN: Final = 0
REACHED: Final = 1
LEFT: Final = 2
ENDED: Final = 3
TIMES: Final = 4
PARTS: Final = tuple(f"{part}_ms" for part in TEMPO_PARTS)


@dataclass(slots=True, eq=False)
class TimekeeperState:
    # When the way out of the repetition under way began, and when it was over.
    began_ms: float | None = None
    reached_ms: float | None = None
    # Those of the last completion, and whether its way back goes on.
    last: Times = field(default_factory=list)
    is_coming_back: bool = False
    # Whether its end has not been told yet.
    is_untold: bool = False


def told_times(times: Sequence[float | None]) -> dict[str, Any]:
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


def told_part(times: Sequence[float | None], part: TempoPart) -> int | None:
    """How long a part of a repetition took; None where that is not known."""
    ms: int | None = told_times(times)[f"{part}_ms"]
    return ms


def _between(one: int | None, other: int | None) -> int | None:
    return None if one is None or other is None else other - one


class Timekeeper(TimekeeperState):
    """The timekeeper of a counter's repetitions, by the swing that its last step is at an end of.

    The way out leads from there to the other end.
    """

    __slots__ = ("_rest", "_swing")

    def __init__(self, swings: Sequence[Swing], sequence: Sequence[str]) -> None:
        TimekeeperState.__init__(self)
        self._swing: Swing | None = None
        self._rest = 0
        for swing in swings:
            if self._swing is None and sequence[-1] in swing.travel.start | swing.travel.end:
                self._swing = swing
                self._rest = START if sequence[-1] in swing.travel.start else END

    def forget(self) -> None:
        TimekeeperState.__init__(self)

    def check(self) -> None:
        """Raise ValueError for times that no repetition has."""
        if len(self.last) not in (0, TIMES) or (self.is_coming_back and not self.last):
            raise ValueError("Not the times of a repetition.")

    def follow(self, now_ms: float, *, is_midway: bool, must_be_seen: bool) -> bool:
        """Follow the swing of this frame, in which a repetition may be past its first step.
        Whether the way back of the last completion is over. If it must be seen, who is out of sight
        does not end it."""
        swing = self._swing
        if swing is None:
            return False
        was_coming_back = self.is_coming_back
        if swing.has_arrived and swing.end == self._rest:
            if self.began_ms is None and swing.gone is not None:
                self.began_ms, self.reached_ms = swing.gone
        elif swing.has_arrived:
            if self.is_coming_back:
                self._end(None if swing.gone is None else swing.gone.ended_ms)
            if not is_midway:
                self.began_ms = self.reached_ms = None
        elif self.is_coming_back and swing.is_over(now_ms) and (swing.is_known or not must_be_seen):
            self._end(swing.way_here(is_over=True)[1])
        return was_coming_back and not self.is_coming_back

    def end_early(self, now_ms: float) -> None:
        """End the way back of the last completion, though it is not over for long enough yet, if
        it seems so."""
        if self.is_coming_back and self._swing is not None:
            ended_ms = self._swing.seems_over(now_ms)
            if ended_ms is not None:
                self._end(ended_ms)

    def forget_last(self) -> None:
        """Leave the way back of the last completion as it is told by now."""
        self.is_coming_back = self.is_untold = False

    def _end(self, ended_ms: float | None) -> None:
        left_ms = self.last[LEFT]
        if ended_ms is not None and left_ms is not None:
            ended_ms = max(ended_ms, left_ms)
        self.last[ENDED] = ended_ms
        self.is_coming_back = False
        self.is_untold = ended_ms is not None

    def tell_back(self) -> list[float]:
        """When the way back of the last completion began and was over, if that is not told yet."""
        left_ms, ended_ms = self.last[LEFT:] if self.is_untold else (None, None)
        self.is_untold = False
        return [] if left_ms is None or ended_ms is None else [left_ms, ended_ms]

    def measure(self, now_ms: float) -> Times:
        """The times of the repetition that this frame completes, if it counts."""
        began_ms, reached_ms = self.began_ms, self.reached_ms
        left_ms = ended_ms = None
        swing = self._swing
        if swing is not None and swing.end == self._rest:
            left_ms, ended_ms = swing.way_here(is_over=swing.is_over(now_ms))
            if reached_ms is not None and left_ms is not None and left_ms < reached_ms:
                reached_ms = left_ms = (reached_ms + left_ms) / 2  # it turned at once
        return [began_ms, reached_ms, left_ms, ended_ms]

    def complete(self, times: Times) -> None:
        """Take the times of a completion."""
        self.began_ms = self.reached_ms = None
        self.last = list(times)
        self.is_coming_back = times[LEFT] is not None and times[ENDED] is None
