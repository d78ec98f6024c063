"""One angle of the body, measured frame by frame and smoothed in time.

docs/engine.md gives the formulas and the figures by which the settings were chosen.
"""

from abc import ABC, abstractmethod
from math import acos, pi, sqrt

from detection.engine.memory import GRID, ROUND, Remembering, on_grid
from detection.engine.segments import Segment
from detection.engine.settings import EngineSettings

# acos differs between machines in its last bit; sums, products and square roots do not. So an
# angle is rounded to 0.0001 degrees before anything depends on it.
_STEPS_PER_DEGREE = 10_000
_STEPS_PER_RADIAN = 180 / pi * _STEPS_PER_DEGREE
# The weight of what is seen from its end alone.
LEAST_WEIGHT_M2 = 1e-4


class SideAngle(Remembering, ABC):
    """The angle of one side. `degrees` is a weighted mean of recent frames, None while unknown.

    A frame's weight is the inverse of its angle's variance, times the square of its visibility. The
    weight decays with the frame's age, by the time constant smoothing_ms.
    """

    MEMORY = {
        "degrees": None,
        "weight": 0.0,
        "seen": 0.0,
        "last": 0.0,
        # What a jump has led to that the next frame has not confirmed.
        "doubted": None,
        # Milliseconds since it was measured.
        "unseen": 0.0,
    }
    __slots__ = (
        *MEMORY,
        "_fresh_ms",
        "_jump_degrees",
        "_jump_degrees_per_ms",
        "_max_weight",
        "_shortest_square",
    )
    degrees: float | None
    weight: float
    # How well it is seen, 0 to 1.
    seen: float
    last: float
    doubted: float | None
    unseen: float

    def __init__(self, settings: EngineSettings) -> None:
        self._shortest_square = settings.shortest_segment_m**2
        self._jump_degrees = settings.jump_degrees
        self._jump_degrees_per_ms = settings.jump_degrees_per_ms
        self._max_weight = settings.max_weight_m2
        self._fresh_ms = settings.fresh_ms
        self.forget()

    @abstractmethod
    def measure(self, since_ms: float, keep: float) -> bool:
        """Measure the angle of one frame, whose segments are measured. Whether it shows the angle.

        The frame comes `since_ms` after the last one. `keep` is the share of the earlier weight
        that remains.
        """

    def _miss(self, keep: float) -> bool:
        self.unseen = on_grid(self.unseen)
        self.weight = on_grid(self.weight * keep)
        if self.unseen > self._fresh_ms:
            self.degrees = None
            self.weight = 0.0
        return False

    def _take(self, cosine: float, weight: float, visibility: float, keep: float) -> bool:
        cosine = -1.0 if cosine < -1.0 else 1.0 if cosine > 1.0 else cosine
        degrees = int(acos(cosine) * _STEPS_PER_RADIAN + 0.5) / _STEPS_PER_DEGREE
        change = degrees - self.last
        if (
            (change > self._jump_degrees or change < -self._jump_degrees)
            and self.degrees is not None
            and self._is_jump(change)
        ):
            before, self.doubted = self.doubted, degrees
            if before is None or self._is_jump(degrees - before):
                self._miss(keep)
                return True
        self.doubted = None
        self.unseen = 0.0
        self.last = degrees
        if weight > self._max_weight:
            weight = self._max_weight
        share = 1.0 - keep
        weight *= visibility * visibility * share
        before, known = self.degrees, self.weight * keep
        self.weight = ((known + weight) * GRID + ROUND - ROUND) / GRID
        if before is not None and known > 0.0:
            degrees = (before * known + degrees * weight) / (known + weight)
            degrees = (degrees * GRID + ROUND - ROUND) / GRID
        self.degrees = degrees
        if visibility != self.seen:
            self.seen = on_grid(self.seen + (visibility - self.seen) * share)
        return True

    def _is_jump(self, change: float) -> bool:
        if change < 0.0:
            change = -change
        return change > self._jump_degrees and change > self._jump_degrees_per_ms * self.unseen


class JointAngle(SideAngle):
    """The angle between two segments that meet at a joint.

    `sign` is -1 where one begins at the other's end, so that a straight line is 180 degrees.
    """

    __slots__ = ("_one", "_other", "_sign")

    def __init__(self, one: Segment, other: Segment, sign: int, settings: EngineSettings) -> None:
        super().__init__(settings)
        self._one, self._other, self._sign = one, other, sign

    def measure(self, since_ms: float, keep: float) -> bool:
        self.unseen += since_ms
        one, other = self._one, self._other
        u, v, shortest = one.square, other.square, self._shortest_square
        if u < shortest or v < shortest:
            return self._miss(keep)
        dot = one.x * other.x + one.y * other.y + one.z * other.z
        visibility = one.visibility if one.visibility < other.visibility else other.visibility
        flat_u, flat_v = one.flat_square, other.flat_square
        weight = flat_u * flat_v / (flat_u + flat_v + LEAST_WEIGHT_M2) + LEAST_WEIGHT_M2
        return self._take(self._sign * dot / sqrt(u * v), weight, visibility, keep)


class LeanAngle(SideAngle):
    """The angle between a segment and the vertical: 0 upright, 90 level, 180 upside down."""

    __slots__ = ("_segment",)

    def __init__(self, segment: Segment, settings: EngineSettings) -> None:
        super().__init__(settings)
        self._segment = segment

    def measure(self, since_ms: float, keep: float) -> bool:
        self.unseen += since_ms
        segment = self._segment
        square = segment.square
        if square < self._shortest_square:
            return self._miss(keep)
        weight = segment.flat_square + LEAST_WEIGHT_M2
        return self._take(-segment.y / sqrt(square), weight, segment.visibility, keep)


def pair_degrees(left: SideAngle, right: SideAngle) -> float | None:
    """The angle of the pair: the weighted mean of both sides. None while it is not known."""
    one, other = left.degrees, right.degrees
    if one is None or other is None:
        return other if one is None else one
    weight = left.weight + right.weight
    if weight <= 0.0:
        return (one + other) / 2
    return (one * left.weight + other * right.weight) / weight
