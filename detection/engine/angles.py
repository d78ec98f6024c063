"""The angles of the body as signals, in degrees: of a joint, and the lean of a segment.

docs/engine.md gives the formulas.
"""

from math import acos, pi, sqrt
from typing import Final

from detection.engine.rounding import DEGREE_STEPS
from detection.engine.segments import Segment
from detection.engine.settings import EngineSettings
from detection.engine.signals import Signal

DEGREES: Final = "degrees"
# acos differs between machines in its last bit; sums, products and square roots do not. So an
# angle is rounded to 0.0001 degrees before anything depends on it.
_STEPS_PER_RADIAN: Final = 180 / pi * DEGREE_STEPS
# The weight of what is seen from its end alone.
MIN_WEIGHT_M2: Final = 1e-4


def _degrees(cosine: float) -> float:
    cosine = -1.0 if cosine < -1.0 else 1.0 if cosine > 1.0 else cosine
    return int(acos(cosine) * _STEPS_PER_RADIAN + 0.5) / DEGREE_STEPS


class JointAngle(Signal):
    """The angle between two segments that meet at a joint.

    `sign` is -1 where one begins at the other's end, so that a straight line is 180 degrees.
    """

    __slots__ = ("_one", "_other", "_shortest_square", "_sign")

    def __init__(self, one: Segment, other: Segment, sign: int, settings: EngineSettings) -> None:
        super().__init__(DEGREES, settings)
        self._one, self._other, self._sign = one, other, sign
        self._shortest_square = settings.sight.shortest_segment_m**2

    def _measure(self, keep: float) -> bool:
        one, other = self._one, self._other
        u, v, shortest = one.square, other.square, self._shortest_square
        if u < shortest or v < shortest:
            return self._miss(keep)
        dot = one.x * other.x + one.y * other.y + one.z * other.z
        visibility = one.visibility if one.visibility < other.visibility else other.visibility
        flat_u, flat_v = one.flat_square, other.flat_square
        weight = flat_u * flat_v / (flat_u + flat_v + MIN_WEIGHT_M2) + MIN_WEIGHT_M2
        return self._take(_degrees(self._sign * dot / sqrt(u * v)), weight, visibility, keep)


class LeanAngle(Signal):
    """The angle between a segment and the vertical: 0 upright, 90 level, 180 upside down."""

    __slots__ = ("_segment", "_shortest_square")

    def __init__(self, segment: Segment, settings: EngineSettings) -> None:
        super().__init__(DEGREES, settings)
        self._segment = segment
        self._shortest_square = settings.sight.shortest_segment_m**2

    def _measure(self, keep: float) -> bool:
        segment = self._segment
        square = segment.square
        if square < self._shortest_square:
            return self._miss(keep)
        weight = segment.flat_square + MIN_WEIGHT_M2
        return self._take(_degrees(-segment.y / sqrt(square)), weight, segment.visibility, keep)
