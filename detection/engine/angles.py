"""One angle of the body, measured frame by frame and smoothed in time.

docs/engine.md gives the formulas and the figures by which the settings were chosen.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from math import acos, pi, sqrt

from detection.engine.plausibility import is_jump
from detection.engine.segments import Segment
from detection.engine.settings import EngineSettings

# acos differs between machines in its last bit; sums, products and square roots do not. So an
# angle is rounded to 0.0001 degrees before anything depends on it.
_STEPS_PER_DEGREE = 10_000
_STEPS_PER_RADIAN = 180 / pi * _STEPS_PER_DEGREE
# The weight of what is seen from its end alone.
LEAST_WEIGHT_M2 = 1e-4


@dataclass(slots=True, eq=False)
class AngleState:
    """`degrees` is a weighted mean of recent frames, None while unknown; `weight` is its weight."""

    degrees: float | None = None
    weight: float = 0.0
    # How well it is seen, 0 to 1.
    seen: float = 0.0
    # The last frame's own angle, and what a jump has led to that the next has not confirmed.
    last: float = 0.0
    doubted: float | None = None
    # Milliseconds since it was measured.
    unseen: float = 0.0


class SideAngle(AngleState, ABC):
    """The angle of one side.

    A frame's weight is the inverse of its angle's variance, times the square of its visibility. The
    weight decays with the frame's age, by the time constant smoothing_ms. `before` and
    `weight_before` are `degrees` and `weight` as of the frame before.
    """

    __slots__ = (
        "_fresh_ms",
        "_jump_degrees",
        "_max_weight",
        "_shortest_square",
        "_sight",
        "before",
        "weight_before",
    )

    def __init__(self, settings: EngineSettings) -> None:
        self._sight = settings.sight
        self._shortest_square = settings.sight.shortest_segment_m**2
        self._jump_degrees = settings.sight.jump_degrees
        self._max_weight = settings.smoothing.max_weight_m2
        self._fresh_ms = settings.smoothing.fresh_ms
        self.before: float | None = None
        self.weight_before = 0.0
        self.forget()

    def forget(self) -> None:
        AngleState.__init__(self)
        self.before = None

    def measure(self, since_ms: float, keep: float) -> bool:
        """Measure the angle of one frame, whose segments are measured. Whether it shows the angle.

        The frame comes `since_ms` after the last one. `keep` is the share of the earlier weight
        that remains.
        """
        self.before, self.weight_before = self.degrees, self.weight
        self.unseen += since_ms
        return self._measure(keep)

    @abstractmethod
    def _measure(self, keep: float) -> bool:
        """`measure`, with the times brought up to date."""

    def _miss(self, keep: float) -> bool:
        self.weight *= keep
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
            and is_jump(change, self.unseen, self._sight)
        ):
            before, self.doubted = self.doubted, degrees
            if before is None or is_jump(degrees - before, self.unseen, self._sight):
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
        self.weight = known + weight
        if before is not None and known > 0.0:
            degrees = (before * known + degrees * weight) / (known + weight)
        self.degrees = degrees
        self.seen += (visibility - self.seen) * share
        return True


class JointAngle(SideAngle):
    """The angle between two segments that meet at a joint.

    `sign` is -1 where one begins at the other's end, so that a straight line is 180 degrees.
    """

    __slots__ = ("_one", "_other", "_sign")

    def __init__(self, one: Segment, other: Segment, sign: int, settings: EngineSettings) -> None:
        super().__init__(settings)
        self._one, self._other, self._sign = one, other, sign

    def _measure(self, keep: float) -> bool:
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

    def _measure(self, keep: float) -> bool:
        segment = self._segment
        square = segment.square
        if square < self._shortest_square:
            return self._miss(keep)
        weight = segment.flat_square + LEAST_WEIGHT_M2
        return self._take(-segment.y / sqrt(square), weight, segment.visibility, keep)


def pair_degrees(left: SideAngle, right: SideAngle) -> float | None:
    """The angle of the pair: the weighted mean of both sides. None while it is not known."""
    return _mean(left.degrees, left.weight, right.degrees, right.weight)


def pair_before(left: SideAngle, right: SideAngle) -> float | None:
    """The angle of the pair as of the frame before."""
    return _mean(left.before, left.weight_before, right.before, right.weight_before)


def _mean(
    one: float | None, one_weight: float, other: float | None, other_weight: float
) -> float | None:
    if one is None or other is None:
        return other if one is None else one
    weight = one_weight + other_weight
    if weight <= 0.0:
        return (one + other) / 2
    return (one * one_weight + other * other_weight) / weight
