"""The lean of a segment of the body: its angle against the vertical of the frame."""

from collections.abc import Sequence
from math import sqrt

from detection.engine.angles import SideAngle, degrees_of
from detection.engine.settings import EngineSettings
from detection.landmarks import INDEX, LandmarkLike
from detection.spec import SEGMENT_LANDMARKS, Segment


class LeanAngle(SideAngle):
    """Of more than one side it takes the mean of those in sight, as of the trunk."""

    __slots__ = ("_ends",)

    def __init__(self, segment: Segment, sides: tuple[str, ...], settings: EngineSettings) -> None:
        super().__init__(settings)
        lower, upper = SEGMENT_LANDMARKS[segment]
        self._ends = [(INDEX[f"{side}_{lower}"], INDEX[f"{side}_{upper}"]) for side in sides]

    def measure(self, landmarks: Sequence[LandmarkLike], now_ms: float, keep: float) -> bool:
        settings = self._settings
        self.weighted_sum *= keep
        self.weight *= keep
        x = y = z = 0.0
        visibility = 1.0
        sides = 0
        for lower_index, upper_index in self._ends:
            lower, upper = landmarks[lower_index], landmarks[upper_index]
            seen = min(
                1.0 if lower.visibility is None else lower.visibility,
                1.0 if upper.visibility is None else upper.visibility,
            )
            if seen >= settings.min_visibility:
                sides += 1
                visibility = min(visibility, seen)
                x += upper.x - lower.x
                y += upper.y - lower.y
                z += (upper.z - lower.z) * settings.depth_weight
        if not sides:
            return False
        square = (x * x + y * y + z * z) / (sides * sides)
        if not self._shortest < square < self._longest:
            return False
        cosine = -y / (sides * sqrt(square))
        # As of a joint between two segments of this length.
        self._take_in(degrees_of(cosine), square / 2, visibility, now_ms, keep)
        return True
