"""One angle on one side of the body, measured frame by frame and smoothed in time.

docs/engine.md gives the formulas and the figures by which the settings were chosen.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from math import acos, pi, sqrt

from detection.engine.memory import Remembering
from detection.engine.settings import EngineSettings
from detection.landmarks import INDEX, LandmarkLike
from detection.spec import JOINT_LANDMARKS, Joint

# acos differs between machines in its last bit; sums, products and square roots do not. So an
# angle is rounded to 0.0001 degrees before anything depends on it.
_STEPS_PER_DEGREE = 10_000
_STEPS_PER_RADIAN = 180 / pi * _STEPS_PER_DEGREE

LONG_AGO_MS = -1e15


class SideAngle(Remembering, ABC):
    """A weighted mean over recent frames: `weighted_sum / weight`, in degrees.

    Each frame counts by the inverse of its angle's variance times the square of its visibility; and
    by its age, with the time constant smoothing_ms.
    """

    MEMORY = {
        "weighted_sum": 0.0,
        "weight": 0.0,
        "visibility": 0.0,
        # Not seen yet: any frame is too late to be fresh.
        "seen_ms": LONG_AGO_MS,
        "last_degrees": 0.0,
        "is_suspect": False,
    }
    __slots__ = (*MEMORY, "_longest", "_settings", "_shortest")
    weighted_sum: float
    weight: float
    visibility: float
    seen_ms: float
    last_degrees: float
    is_suspect: bool

    def __init__(self, settings: EngineSettings) -> None:
        self._settings = settings
        # Squared, as they are compared.
        self._shortest = settings.shortest_segment_m**2
        self._longest = settings.longest_segment_m**2
        self.forget()

    @abstractmethod
    def measure(self, landmarks: Sequence[LandmarkLike], now_ms: float, keep: float) -> bool:
        """Take in one frame; `keep` is the share of what was known that remains. Whether the angle
        was measured in it."""

    def _take_in(
        self, angle: float, weight: float, visibility: float, now_ms: float, keep: float
    ) -> None:
        """`weight` is the inverse of the angle's variance, but for a factor that all share."""
        settings = self._settings
        change = angle - self.last_degrees
        if (
            (change > settings.jump_degrees or change < -settings.jump_degrees)
            and not self.is_suspect
            and abs(change) > settings.jump_degrees_per_ms * (now_ms - self.seen_ms)
        ):
            self.is_suspect = True
            self.seen_ms = now_ms
            return
        self.is_suspect = False
        self.last_degrees = angle
        self.seen_ms = now_ms
        if weight > settings.max_weight_m2:
            weight = settings.max_weight_m2
        weight *= visibility * visibility * (1.0 - keep)
        self.weighted_sum += angle * weight
        self.weight += weight
        self.visibility += (visibility - self.visibility) * (1.0 - keep)

    def is_fresh(self, now_ms: float) -> bool:
        return now_ms - self.seen_ms <= self._settings.fresh_ms

    def degrees(self, now_ms: float) -> float | None:
        """The angle of the side; None while it is not known."""
        if self.weight <= 0.0 or not self.is_fresh(now_ms):
            return None
        return self.weighted_sum / self.weight


class JointAngle(SideAngle):
    """The angle at the middle one of a joint's three landmarks."""

    __slots__ = ("_end", "_middle", "_start")

    def __init__(self, joint: Joint, side: str, settings: EngineSettings) -> None:
        super().__init__(settings)
        self._start, self._middle, self._end = (
            INDEX[f"{side}_{landmark}"] for landmark in JOINT_LANDMARKS[joint]
        )

    def measure(self, landmarks: Sequence[LandmarkLike], now_ms: float, keep: float) -> bool:
        settings = self._settings
        self.weighted_sum *= keep
        self.weight *= keep
        start = landmarks[self._start]
        middle = landmarks[self._middle]
        end = landmarks[self._end]
        visibility = 1.0
        seen = start.visibility
        if seen is not None and seen < visibility:
            visibility = seen
        seen = middle.visibility
        if seen is not None and seen < visibility:
            visibility = seen
        seen = end.visibility
        if seen is not None and seen < visibility:
            visibility = seen
        if visibility < settings.min_visibility:
            return False
        x, y, z = middle.x, middle.y, middle.z
        depth_weight = settings.depth_weight
        ux, uy, uz = start.x - x, start.y - y, (start.z - z) * depth_weight
        vx, vy, vz = end.x - x, end.y - y, (end.z - z) * depth_weight
        uu = ux * ux + uy * uy + uz * uz
        vv = vx * vx + vy * vy + vz * vz
        shortest, longest = self._shortest, self._longest
        if not (shortest < uu < longest and shortest < vv < longest):
            return False
        cosine = (ux * vx + uy * vy + uz * vz) / sqrt(uu * vv)
        # The variance is proportional to 1 / uu + 1 / vv, for landmarks that err by one distance.
        weight = uu * vv / (uu + vv)
        self._take_in(degrees_of(cosine), weight, visibility, now_ms, keep)
        return True


def degrees_of(cosine: float) -> float:
    cosine = -1.0 if cosine < -1.0 else 1.0 if cosine > 1.0 else cosine
    return int(acos(cosine) * _STEPS_PER_RADIAN + 0.5) / _STEPS_PER_DEGREE


def pair_degrees(left: SideAngle, right: SideAngle, now_ms: float) -> float | None:
    """One angle for both sides, the mean of them by their weights; None while it is not known."""
    weight = left.weight + right.weight
    if weight <= 0.0 or not (left.is_fresh(now_ms) or right.is_fresh(now_ms)):
        return None
    return (left.weighted_sum + right.weighted_sum) / weight
