"""The signals of the body: an angle of one side, or of a pair, and how sure it is. Points make
segments, vectors with a corrected depth, and segments make angles.

docs/engine.md gives the formulas.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from math import acos, pi, sqrt
from typing import Final

from detection.engine.arithmetic import DEGREE_STEPS, LENGTH_STEPS, PLACE_STEPS, rounded
from detection.engine.points import Point, Points
from detection.engine.settings import DepthSettings, EngineSettings, SightSettings
from detection.landmarks import INDEX
from detection.spec import SEGMENT_LANDMARKS, BodySide

# acos differs between machines in its last bit; sums, products and square roots do not. So an
# angle is rounded to 0.0001 degrees before anything depends on it.
_STEPS_PER_RADIAN: Final = 180 / pi * DEGREE_STEPS
# The weight of an angle whose segments point at the camera.
MIN_WEIGHT_M2: Final = 1e-4


def lower_visibility(one: Point, other: Point) -> float:
    return one.visibility if one.visibility < other.visibility else other.visibility


# From the lower end to the upper one of somebody who stands with hanging arms.
ENDS: Final[dict[str, tuple[str, str]]] = {
    **dict(SEGMENT_LANDMARKS.items()),
    "flank": ("hip", "shoulder"),
    "foot": ("foot_index", "ankle"),
    "hand": ("index", "wrist"),
}

# The shares by which running means follow a frame: a longer length, a shorter one, and depth.
Pace = tuple[float, float, float]


def pace_of(since_ms: float, depth: DepthSettings) -> Pace:
    """The pace of a frame that comes `since_ms` after the last one."""
    return (
        since_ms / (depth.lengthen_ms + since_ms),
        since_ms / (depth.shorten_ms + since_ms),
        since_ms / (depth.depth_ms + since_ms),
    )


@dataclass(slots=True, eq=False)
class SegmentState:
    # Metres: the running length, and a running mean of z for its direction.
    length: float = 0.0
    depth: float = 0.0
    # Square metres: what the last frame showed if it was longer, which the next one must confirm.
    longer: float = 0.0


class Segment(SegmentState):
    """A segment from its lower end to its upper one: `x`, `y`, `z` in metres, with z corrected."""

    __slots__ = (
        "_depth_weight",
        "_longest",
        "_lower",
        "_seen_square",
        "_upper",
        "flat_square",
        "square",
        "visibility",
        "x",
        "y",
        "z",
    )

    def __init__(self, name: str, side: BodySide, points: Points, settings: EngineSettings) -> None:
        lower, upper = ENDS[name]
        self._lower = points.of(INDEX[f"{side}_{lower}"])
        self._upper = points.of(INDEX[f"{side}_{upper}"])
        self._longest = settings.sight.max_segment_m
        self._depth_weight = settings.depth.depth_weight
        self._seen_square = settings.depth.seen_share**2
        self.x = self.y = self.z = self.flat_square = self.square = self.visibility = 0.0
        self.forget()

    def forget(self) -> None:
        SegmentState.__init__(self)

    def measure(self, pace: Pace, other_length: float) -> None:
        """Measure one frame, whose points are read. `other_length` is that of the other side, 0
        without one. `square` is 0 if the segment can't be seen."""
        lower, upper = self._lower, self._upper
        self.visibility = lower_visibility(lower, upper)
        if lower.is_seen and upper.is_seen:
            self._place(upper.x - lower.x, upper.y - lower.y, upper.z - lower.z, pace, other_length)
        else:
            self.square = 0.0

    def _place(self, x: float, y: float, z: float, pace: Pace, other_length: float) -> None:
        flat_square = x * x + y * y
        longest = self._longest
        if not (flat_square < longest * longest and -longest < z < longest):
            self.square = 0.0
            return
        lengthen, shorten, follow = pace
        length = self.length
        if length == 0.0:
            length, self.depth = sqrt(flat_square), z
        elif flat_square <= length * length:
            length -= length * shorten
            self.longer = 0.0
        else:
            sure_square = min(flat_square, self.longer)
            if sure_square > length * length:
                length += (sqrt(sure_square) - length) * lengthen
            self.longer = rounded(flat_square, PLACE_STEPS)
        self.length = length = rounded(length, LENGTH_STEPS)
        self.depth = rounded(self.depth + (z - self.depth) * follow, LENGTH_STEPS)
        if other_length > length:
            length = other_length
        z *= self._depth_weight
        missing_square = length * length * self._seen_square - flat_square
        if missing_square > z * z:
            z = sqrt(missing_square) if self.depth > 0.0 else -sqrt(missing_square)
        self.x, self.y, self.z = x, y, z
        self.flat_square = flat_square
        self.square = flat_square + z * z


class Trunk(Segment):
    """The trunk, from the middle of the hips to that of the shoulders, of the sides in sight."""

    __slots__ = ("_flanks",)

    def __init__(self, points: Points, settings: EngineSettings) -> None:
        super().__init__("flank", "left", points, settings)
        hip, shoulder = ENDS["flank"]
        self._flanks = [
            (points.of(INDEX[f"{side}_{hip}"]), points.of(INDEX[f"{side}_{shoulder}"]))
            for side in ("left", "right")
        ]

    def measure(self, pace: Pace, other_length: float) -> None:
        x = y = z = 0.0
        sides = 0
        self.visibility = 1.0
        for hip, shoulder in self._flanks:
            if hip.is_seen and shoulder.is_seen:
                sides += 1
                self.visibility = min(self.visibility, lower_visibility(hip, shoulder))
                x += shoulder.x - hip.x
                y += shoulder.y - hip.y
                z += shoulder.z - hip.z
        if sides:
            self._place(x / sides, y / sides, z / sides, pace, other_length)
        else:
            self.square = 0.0


def is_outlier(change: float, since_ms: float, sight: SightSettings) -> bool:
    """Whether an angle changes by more, in degrees within milliseconds, than a body moves."""
    if change < 0.0:
        change = -change
    return change > sight.jump_degrees and change > sight.jump_degrees_per_ms * since_ms


@dataclass(slots=True, eq=False)
class SignalState:
    """`value` is a weighted mean of recent frames in degrees, None while unknown; `weight` is its
    weight."""

    value: float | None = None
    weight: float = 0.0
    # How well it is seen, 0 to 1.
    seen: float = 0.0
    # The last frame's own value, and the value of an outlier that the next frame may confirm.
    last: float = 0.0
    doubted: float | None = None
    # Milliseconds since it was measured.
    unseen: float = 0.0


class Signal(SignalState):
    """`before` is the `value` as of the frame before."""

    __slots__ = ("before",)

    def __init__(self) -> None:
        self.before: float | None = None
        self.forget()

    def forget(self) -> None:
        SignalState.__init__(self)
        self.before = None


class Pair(Signal):
    """The weighted mean of both sides of an angle: the known one where the other is not."""

    __slots__ = ("_left", "_right")

    def __init__(self, left: Signal, right: Signal) -> None:
        super().__init__()
        self._left, self._right = left, right
        self.update()

    def update(self) -> None:
        left, right = self._left, self._right
        self.before = self.value
        self.seen = left.seen if left.seen > right.seen else right.seen
        one, other = left.value, right.value
        if one is None or other is None:
            self.value = other if one is None else one
            return
        weight = left.weight + right.weight
        if weight <= 0.0:
            self.value = (one + other) / 2
        else:
            self.value = (one * left.weight + other * right.weight) / weight


class Angle(Signal, ABC):
    """An angle of one side."""

    __slots__ = ("_fresh_ms", "_jump", "_max_weight", "_shortest_square", "_sight")

    def __init__(self, settings: EngineSettings) -> None:
        super().__init__()
        self._sight = settings.sight
        self._jump = settings.sight.jump_degrees
        self._max_weight = settings.smoothing.max_weight_m2
        self._fresh_ms = settings.smoothing.fresh_ms
        self._shortest_square = settings.sight.min_segment_m**2

    def measure(self, since_ms: float, keep: float) -> bool:
        """Measure one frame, `since_ms` after the last one: whether it shows the angle. `keep` is
        the share of the earlier weight that remains."""
        self.before = self.value
        self.unseen += since_ms
        return self._measure(keep)

    @abstractmethod
    def _measure(self, keep: float) -> bool: ...

    def _miss(self, keep: float) -> bool:
        self.weight *= keep
        if self.unseen > self._fresh_ms:
            self.value = None
            self.weight = 0.0
        return False

    def _accept(self, cosine: float, weight: float, visibility: float, keep: float) -> bool:
        cosine = -1.0 if cosine < -1.0 else 1.0 if cosine > 1.0 else cosine
        value = int(acos(cosine) * _STEPS_PER_RADIAN + 0.5) / DEGREE_STEPS
        change = value - self.last
        if (
            (change > self._jump or change < -self._jump)
            and self.value is not None
            and is_outlier(change, self.unseen, self._sight)
        ):
            doubted, self.doubted = self.doubted, value
            if doubted is None or is_outlier(value - doubted, self.unseen, self._sight):
                self._miss(keep)
                return True
        self.doubted = None
        self.unseen = 0.0
        self.last = value
        if weight > self._max_weight:
            weight = self._max_weight
        share = 1.0 - keep
        weight *= visibility * visibility * share
        before, known = self.value, self.weight * keep
        self.weight = known + weight
        if before is not None and known > 0.0:
            value = (before * known + value * weight) / (known + weight)
        self.value = rounded(value, DEGREE_STEPS)
        self.seen += (visibility - self.seen) * share
        return True


class JointAngle(Angle):
    """The angle between two segments that meet at a joint. `sign` is -1 where one begins at the
    other's end, so that a straight line is 180 degrees."""

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
        weight = flat_u * flat_v / (flat_u + flat_v + MIN_WEIGHT_M2) + MIN_WEIGHT_M2
        return self._accept(self._sign * dot / sqrt(u * v), weight, visibility, keep)


class LeanAngle(Angle):
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
        weight = segment.flat_square + MIN_WEIGHT_M2
        return self._accept(-segment.y / sqrt(square), weight, segment.visibility, keep)
