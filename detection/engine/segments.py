"""The segments of the body, as vectors with a corrected depth."""

from dataclasses import dataclass
from math import sqrt
from typing import Final

from detection.engine.points import Points, lower_visibility
from detection.engine.rounding import LENGTH_STEPS, PLACE_STEPS, rounded
from detection.engine.settings import DepthSettings, EngineSettings
from detection.landmarks import INDEX
from detection.spec import SEGMENT_LANDMARKS, BodySide

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
    """A segment from its lower end to its upper one: `x`, `y`, `z` in metres, with z corrected.

    A camera hardly measures depth, but it shows how much a segment is foreshortened. That is its
    length in the image against its running length, the most that was lately seen of it or of the
    other side's. If the image has less than seen_share of the running length, the missing part goes
    in the direction of z. Otherwise z counts by depth_weight.
    """

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
        self._longest = settings.sight.longest_segment_m
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
