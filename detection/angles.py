"""The angle of one joint on one side of the body, measured frame by frame and smoothed in time.

docs/engine.md gives the formulas and the figures by which the constants were chosen.
"""

from collections.abc import Sequence
from math import acos, pi, sqrt

from detection.landmarks import INDEX, LandmarkLike
from detection.spec import JOINT_LANDMARKS, Joint

# How much of z enters an angle. A single camera measures depth several times worse than x and y.
DEPTH_WEIGHT = 0.15
# A landmark below this is more likely hidden than seen.
MIN_VISIBILITY = 0.5
SMOOTHING_MS = 40.0
# That of two segments of 0.45 m. Longer ones are errors, which must not outweigh the rest.
MAX_WEIGHT = 0.1
# An angle that changes by more than both of these since the last frame is a jump of the tracker,
# unless the next frame confirms it.
JUMP_DEGREES = 25.0
JUMP_DEGREES_PER_MS = 0.4
# An angle not measured for this long is not known any more.
FRESH_MS = 250.0

# Squared segment lengths, in square metres, outside which there is no limb to measure. It also
# keeps every step of the arithmetic finite.
_SHORTEST = 1e-6
_LONGEST = 1e4
# acos differs between machines in its last bit; sums, products and square roots do not. So an
# angle is rounded to 0.0001 degrees before anything depends on it.
_STEPS_PER_RADIAN = 180 / pi * 10_000
_DEGREES_PER_STEP = 1e-4

State = list[float]


class SideAngle:
    """A weighted mean over recent frames: `weighted_sum / weight`, in degrees.

    Each frame counts by the inverse of its angle's variance, which for landmarks that err by the
    same distance is proportional to 1 / |u|^2 + 1 / |v|^2 for segments u and v, times the square
    of its visibility; and by its age, with the time constant SMOOTHING_MS.
    """

    __slots__ = (
        "_accepted",
        "_is_suspect",
        "_measured_ms",
        "end",
        "middle",
        "seen_ms",
        "start",
        "visibility",
        "weight",
        "weighted_sum",
    )

    def __init__(self, joint: Joint, side: str) -> None:
        self.start, self.middle, self.end = (
            INDEX[f"{side}_{landmark}"] for landmark in JOINT_LANDMARKS[joint]
        )
        self.forget()

    def forget(self) -> None:
        self.weighted_sum = 0.0
        self.weight = 0.0
        self.visibility = 0.0
        # Not seen yet: any frame is too late to be fresh.
        self.seen_ms = -1e15
        self._measured_ms = -1e15
        self._accepted = 0.0
        self._is_suspect = False

    def measure(self, landmarks: Sequence[LandmarkLike], now_ms: float, keep: float) -> bool:
        """Take in one frame; `keep` is the share of what was known that remains. Whether the angle
        was measured in it."""
        self.weighted_sum *= keep
        self.weight *= keep
        start = landmarks[self.start]
        middle = landmarks[self.middle]
        end = landmarks[self.end]
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
        if visibility < MIN_VISIBILITY:
            return False
        x, y, z = middle.x, middle.y, middle.z
        ux, uy, uz = start.x - x, start.y - y, (start.z - z) * DEPTH_WEIGHT
        vx, vy, vz = end.x - x, end.y - y, (end.z - z) * DEPTH_WEIGHT
        uu = ux * ux + uy * uy + uz * uz
        vv = vx * vx + vy * vy + vz * vz
        if not (_SHORTEST < uu < _LONGEST and _SHORTEST < vv < _LONGEST):
            return False
        cosine = (ux * vx + uy * vy + uz * vz) / sqrt(uu * vv)
        cosine = -1.0 if cosine < -1.0 else 1.0 if cosine > 1.0 else cosine
        angle = int(acos(cosine) * _STEPS_PER_RADIAN + 0.5) * _DEGREES_PER_STEP

        change = angle - self._accepted
        if (
            (change > JUMP_DEGREES or change < -JUMP_DEGREES)
            and not self._is_suspect
            and abs(change) > JUMP_DEGREES_PER_MS * (now_ms - self._measured_ms)
        ):
            self._is_suspect = True
            self.seen_ms = now_ms
            return True
        self._is_suspect = False
        self._accepted = angle
        self._measured_ms = self.seen_ms = now_ms
        weight = uu * vv / (uu + vv)
        if weight > MAX_WEIGHT:
            weight = MAX_WEIGHT
        weight *= visibility * visibility * (1.0 - keep)
        self.weighted_sum += angle * weight
        self.weight += weight
        self.visibility += (visibility - self.visibility) * (1.0 - keep)
        return True

    def snapshot(self) -> State:
        return [
            self.weighted_sum,
            self.weight,
            self.visibility,
            self.seen_ms,
            self._measured_ms,
            self._accepted,
            int(self._is_suspect),
        ]

    def restore(self, state: State) -> None:
        (
            self.weighted_sum,
            self.weight,
            self.visibility,
            self.seen_ms,
            self._measured_ms,
            self._accepted,
            is_suspect,
        ) = state
        self._is_suspect = bool(is_suspect)
