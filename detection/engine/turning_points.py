"""Turning points: where a movement turns, when it went from one to the next, and how far it went in
all. docs/engine.md gives the formulas."""

from collections.abc import Sequence
from itertools import pairwise
from math import acos, pi
from typing import Final, NamedTuple

from detection.engine.driving import DrivingAngle
from detection.engine.plan import driving_angles
from detection.spec import MoveSpec


def turned(
    way: int, top: float, bottom: float, position: float, least: float
) -> tuple[int, float, float]:
    """The way of a movement after a frame, and its farthest points since the last turn.

    `way` is 1 while it grows, -1 while it falls, and 0 before it has turned. It turns where it has
    come back by `least`.
    """
    if way >= 0 and position > top:
        top = position
    if way <= 0 and position < bottom:
        bottom = position
    if way >= 0 and top - position >= least:
        return -1, top, position
    if way <= 0 and position - bottom >= least:
        return 1, position, bottom
    return way, top, bottom


# A path has a time in milliseconds and then a place, in so many steps of the gap, for each note.
PLACE_STEPS: Final = 1000
# Beyond this share of the way, at either end, errors are larger than what a place says of the time.
_NEAR_AN_END: Final = 0.1
# A way has a steady pace if that leaves less than this share of the error that a slow beginning and
# end leave, over at least this many places and this share of the gap.
_STEADY_SHARE: Final = 0.2
_MIN_PLACES: Final = 8
_WHOLE_SHARE: Final = 0.7


class Way(NamedTuple):
    """The way from one turning point to the next: when it began and when it was over."""

    began_ms: float
    ended_ms: float


def note(path: list[int], now_ms: float, position: float) -> None:
    path += [int(now_ms), round(position * PLACE_STEPS)]


def last_place(path: Sequence[int], start: float) -> float:
    """The place that was noted last, `start` without any."""
    return path[-1] / PLACE_STEPS if path else start


def way_of(path: Sequence[int], start: float, goal: float) -> Way | None:
    """The way from `start` to `goal`, on which these places were noted; None where none was."""
    whole = goal - start
    if not path or whole == 0.0:
        return None
    times, steady, eased = [], [], []
    for number in range(0, len(path), 2):
        share = (path[number + 1] / PLACE_STEPS - start) / whole
        if _NEAR_AN_END <= share <= 1.0 - _NEAR_AN_END:
            times.append(float(path[number]))
            steady.append(share)
            eased.append(acos(1.0 - 2.0 * share) / pi)
    if len(times) < 2:
        return Way(path[0], path[-2])
    (steady_way, steady_error), (eased_way, eased_error) = _fit(steady, times), _fit(eased, times)
    is_whole = steady[-1] > _WHOLE_SHARE and len(times) >= _MIN_PLACES
    return steady_way if is_whole and steady_error < _STEADY_SHARE * eased_error else eased_way


def _fit(shares: Sequence[float], times: Sequence[float]) -> tuple[Way, float]:
    """The line of least squares through the times at which a share of the way was done, and its
    error."""
    count = len(times)
    mean, mean_ms = sum(shares) / count, sum(times) / count
    spread = together = total = 0.0
    for share, ms in zip(shares, times, strict=True):
        spread += (share - mean) ** 2
        together += (share - mean) * (ms - mean_ms)
        total += (ms - mean_ms) ** 2
    pace = together / spread if spread else 0.0
    began_ms = mean_ms - pace * mean
    return Way(began_ms, began_ms + pace), total - pace * together


# A driving angle turns where it has come back by this share of its gap, and by so many degrees.
TURN_SHARE: Final = 0.5
MIN_TURN_DEGREES: Final = 10.0
# The extremes of an angle before any is known: beyond every angle.
NO_LEAST: Final = 9_999
NO_MOST: Final = -1


class Gone(NamedTuple):
    """How far the angles have gone for a completion, in tenths of a degree: how much of that goes
    beyond a repetition, and how far a repetition goes."""

    gone: int
    beyond: int
    of_repetition: int


class Path:
    """The path of one angle since the last completion, in tenths of a degree: how far it has `gone`
    from turn to turn, and its extremes."""

    def __init__(self, turn: int, ways: int) -> None:
        """It turns by `turn`. A repetition takes so many `ways` from one end to the other."""
        self._turn = turn
        self.ways = ways
        self.direction = 0
        self.top, self.bottom = NO_MOST, NO_LEAST
        self.begin_anew()

    def begin_anew(self) -> None:
        self.gone = 0
        self.least, self.most = NO_LEAST, NO_MOST

    def follow(self, angle: int) -> None:
        self.least, self.most = min(self.least, angle), max(self.most, angle)
        way, top, bottom = turned(self.direction, self.top, self.bottom, angle, self._turn)
        if way != self.direction:
            self.gone += abs(angle - int(top if way < 0 else bottom))
        elif way:
            self.gone += int(top) - self.top if way > 0 else self.bottom - int(bottom)
        self.direction, self.top, self.bottom = way, int(top), int(bottom)


class DrivingPaths:
    """The paths of `driving_angles(spec)`, in their order, by which a session shows what was not
    counted."""

    def __init__(self, spec: MoveSpec, stored: Sequence[Sequence[int]] = ()) -> None:
        """`stored` is the state of the same MoveSpec's; any other is ignored."""
        self._paths = [
            Path(
                int(10.0 * max(TURN_SHARE * angle.gap, MIN_TURN_DEGREES) + 0.5), _ways(spec, angle)
            )
            for angle in driving_angles(spec)
        ]
        if [len(values) for values in stored] == [len(path) for path in self.state()]:
            for path, values in zip(self._paths, stored, strict=True):
                path.direction, path.top, path.bottom, path.gone, path.least, path.most = values

    def follow(self, degrees: Sequence[tuple[float | None, float | None]]) -> bool:
        """Follow a frame's `driving_degrees()`. Whether each angle is known at one end at least."""
        are_known = True
        for number, path in enumerate(self._paths):
            low, high = degrees[number]
            if low is None:
                low = high
            elif high is None:
                high = low
            if low is None or high is None:
                are_known = False
            else:
                path.follow(int((low + high) * 5.0))
        return are_known

    def complete(self) -> Gone:
        """How far they have gone for the repetition that is completed. They begin anew."""
        gone = beyond = of_repetition = 0
        for path in self._paths:
            once = path.ways * max(0, path.most - path.least)
            gone += path.gone
            beyond += max(0, path.gone - once)
            of_repetition += once
            path.begin_anew()
        return Gone(gone, beyond, of_repetition)

    def state(self) -> list[list[int]]:
        """What each remembers, as JSON values: direction, top, bottom, gone, least, most."""
        return [
            [path.direction, path.top, path.bottom, path.gone, path.least, path.most]
            for path in self._paths
        ]


def _ways(spec: MoveSpec, angle: DrivingAngle) -> int:
    """How often a repetition goes from one end of the angle to the other, with the way back to
    where the next one begins."""
    ends = [
        step in angle.low_phases
        for step in spec.sequence
        if step in angle.low_phases or step in angle.high_phases
    ]
    return sum(one != other for one, other in pairwise(ends)) + (ends[0] != ends[-1])
