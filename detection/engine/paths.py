"""The paths of the angles that carry a movement, by which it shows what was not counted."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from detection.engine.carried_angles import CarriedAngle, carried_angles
from detection.spec import MoveSpec

# A path turns where the angle has come back by this share of the gap between the bands, and by so
# many degrees.
TURN_SHARE: Final = 0.5
MIN_TURN_DEGREES: Final = 10.0
# Of the least and the most that an angle was, before there is any: beyond every angle.
NO_LEAST: Final = 9_999
NO_MOST: Final = -1


class Gone(NamedTuple):
    """How far the angles have gone for a completion, in tenths of a degree: how much of that goes
    beyond a repetition, and how far a repetition goes."""

    gone: int
    beyond: int
    of_repetition: int


class Path:
    """The path of one angle since the last completion, in tenths of a degree.

    `direction` is 1 while it grows, -1 while it falls, and 0 before it has turned. `top` and
    `bottom` are the farthest points since the last turn. It has `gone` so far, from turn to turn,
    and was at `least` and at `most` there.
    """

    __slots__ = ("_turn", "bottom", "direction", "gone", "least", "most", "top", "ways")

    def __init__(self, turn: int, ways: int) -> None:
        """It turns by `turn`. A repetition takes so many `ways` from one end to the other."""
        self._turn = turn
        self.ways = ways
        self.direction = 0
        self.top, self.bottom = NO_MOST, NO_LEAST
        self.gone = 0
        self.least, self.most = NO_LEAST, NO_MOST

    def follow(self, angle: int) -> None:
        if angle < self.least:
            self.least = angle
        if angle > self.most:
            self.most = angle
        if self.direction > 0:
            if angle > self.top:
                self.gone += angle - self.top
                self.top = angle
        elif self.direction < 0:
            if angle < self.bottom:
                self.gone += self.bottom - angle
                self.bottom = angle
        else:
            self.top = max(self.top, angle)
            self.bottom = min(self.bottom, angle)
        if self.direction >= 0 and self.top - angle >= self._turn:
            self.gone += self.top - angle
            self.direction, self.bottom = -1, angle
        elif self.direction <= 0 and angle - self.bottom >= self._turn:
            self.gone += angle - self.bottom
            self.direction, self.top = 1, angle

    def begin_anew(self) -> None:
        self.gone = 0
        self.least, self.most = NO_LEAST, NO_MOST


class CarriedPaths:
    """The paths of `carried_angles(spec)`, in their order."""

    def __init__(self, spec: MoveSpec, stored: Sequence[Sequence[int]] = ()) -> None:
        """`stored` is the state of the same MoveSpec's; any other is passed over."""
        self._paths = [
            Path(
                int(10.0 * max(TURN_SHARE * angle.gap, MIN_TURN_DEGREES) + 0.5),
                _ways(spec, angle),
            )
            for angle in carried_angles(spec)
        ]
        if [len(values) for values in stored] == [len(path) for path in self.state()]:
            for path, values in zip(self._paths, stored, strict=True):
                path.direction, path.top, path.bottom, path.gone, path.least, path.most = values

    def follow(self, degrees: Sequence[tuple[float | None, float | None]]) -> bool:
        """Follow a frame's `carried_degrees()`. Whether each angle is known at one end at least."""
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


def _ways(spec: MoveSpec, angle: CarriedAngle) -> int:
    """How often a repetition goes from one end of the angle to the other, with the way back to
    where the next one begins."""
    ends = [
        step in angle.low_phases
        for step in spec.sequence
        if step in angle.low_phases or step in angle.high_phases
    ]
    return sum(one != other for one, other in pairwise(ends)) + (ends[0] != ends[-1])
