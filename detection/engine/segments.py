"""The segments of the body, as vectors with a corrected depth."""

from collections.abc import Sequence
from math import sqrt
from typing import Literal

from detection.engine.memory import ROUND, Remembering
from detection.engine.settings import EngineSettings
from detection.landmarks import INDEX, LandmarkLike
from detection.spec import SEGMENT_LANDMARKS

BodySide = Literal["left", "right"]

# From the lower end to the upper one of somebody who stands with hanging arms.
ENDS: dict[str, tuple[str, str]] = {
    **dict(SEGMENT_LANDMARKS.items()),
    "flank": ("hip", "shoulder"),
    "foot": ("foot_index", "ankle"),
    "hand": ("index", "wrist"),
}


# Metres and square metres are kept to five decimals.
_GRID = 1e5


# The shares by which running means follow a frame: a longer length, a shorter one, and depth.
Pace = tuple[float, float, float]


def pace_of(since_ms: float, settings: EngineSettings) -> Pace:
    """The pace of a frame that comes `since_ms` after the last one."""
    return (
        since_ms / (settings.lengthen_ms + since_ms),
        since_ms / (settings.shorten_ms + since_ms),
        since_ms / (settings.depth_ms + since_ms),
    )


class Segment(Remembering):
    """A segment from its lower end to its upper one: `x`, `y`, `z` in metres, with z corrected.

    A camera hardly measures depth, but it shows how much a segment is foreshortened. That is its
    length in the image against its running length, the most that was lately seen of it or of the
    other side's. If the image has less than seen_share of the running length, the missing part goes
    in the direction of z. Otherwise z counts by depth_weight.
    """

    # Metres: the running length, and a running mean of z for its direction. Square metres: what the
    # last frame showed if it was longer, which the next one must confirm.
    MEMORY = {"length": 0.0, "depth": 0.0, "longer": 0.0}
    __slots__ = (
        *MEMORY,
        "_depth_weight",
        "_longest",
        "_lower",
        "_min_visibility",
        "_seen_square",
        "_upper",
        "flat_square",
        "other",
        "square",
        "visibility",
        "x",
        "y",
        "z",
    )
    length: float
    depth: float
    longer: float

    def __init__(self, name: str, side: BodySide, settings: EngineSettings) -> None:
        lower, upper = ENDS[name]
        self._lower, self._upper = INDEX[f"{side}_{lower}"], INDEX[f"{side}_{upper}"]
        self._depth_weight = settings.depth_weight
        self._min_visibility = settings.min_visibility
        self._longest = settings.longest_segment_m
        self._seen_square = settings.seen_share**2
        # The same segment of the other side, as long as this one.
        self.other: Segment = self
        self.x = self.y = self.z = self.flat_square = self.square = self.visibility = 0.0
        self.forget()

    def measure(self, landmarks: Sequence[LandmarkLike], pace: Pace) -> None:
        """Measure one frame. `square` is 0 if the segment can't be seen."""
        lower, upper = landmarks[self._lower], landmarks[self._upper]
        visibility = lower.visibility
        if visibility is None:
            visibility = 1.0
        seen = upper.visibility
        if seen is not None and seen < visibility:
            visibility = seen
        self.visibility = visibility
        if visibility < self._min_visibility:
            self.square = 0.0
        else:
            self._place(upper.x - lower.x, upper.y - lower.y, upper.z - lower.z, pace)

    def _place(self, x: float, y: float, z: float, pace: Pace) -> None:
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
            self.longer = (flat_square * _GRID + ROUND - ROUND) / _GRID
        self.length = length = (length * _GRID + ROUND - ROUND) / _GRID
        depth = self.depth + (z - self.depth) * follow
        self.depth = (depth * _GRID + ROUND - ROUND) / _GRID
        if self.other.length > length:
            length = self.other.length
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

    def __init__(self, settings: EngineSettings) -> None:
        super().__init__("flank", "left", settings)
        hip, shoulder = ENDS["flank"]
        self._flanks = [
            (INDEX[f"{side}_{hip}"], INDEX[f"{side}_{shoulder}"]) for side in ("left", "right")
        ]

    def measure(self, landmarks: Sequence[LandmarkLike], pace: Pace) -> None:
        x = y = z = 0.0
        sides = 0
        self.visibility = 1.0
        for hip_index, shoulder_index in self._flanks:
            hip, shoulder = landmarks[hip_index], landmarks[shoulder_index]
            seen = min(
                1.0 if hip.visibility is None else hip.visibility,
                1.0 if shoulder.visibility is None else shoulder.visibility,
            )
            if seen >= self._min_visibility:
                sides += 1
                self.visibility = min(self.visibility, seen)
                x += shoulder.x - hip.x
                y += shoulder.y - hip.y
                z += shoulder.z - hip.z
        if sides:
            self._place(x / sides, y / sides, z / sides, pace)
        else:
            self.square = 0.0
