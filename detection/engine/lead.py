"""The lead: the leg or arm that is in front."""

from dataclasses import dataclass
from math import sqrt
from typing import Final, Literal

from detection.engine.points import Points
from detection.engine.settings import EngineSettings
from detection.landmarks import INDEX

_FEET: Final = (
    (INDEX["left_heel"], INDEX["left_foot_index"]),
    (INDEX["right_heel"], INDEX["right_foot_index"]),
)


@dataclass(slots=True, eq=False)
class LeadState:
    # 1 left, -1 right, 0 neither: who leads, and who is ahead since when.
    side: int = 0
    ahead: int = 0
    since_ms: float = 0.0


class Lead(LeadState):
    """The side whose `end` (ankle or wrist) is farther along the way the toes point.

    It changes once the other side has been ahead by lead_m for lead_held_ms without a break,
    and is None until one side has been. A frame in which it cannot be told changes nothing.
    """

    __slots__ = ("_depth_weight", "_feet", "_left", "_longest", "_right", "_settings", "_shortest")

    def __init__(
        self, end: Literal["ankle", "wrist"], points: Points, settings: EngineSettings
    ) -> None:
        self._settings = settings.lead
        self._depth_weight = settings.depth.depth_weight
        # Squared: a foot shorter than this points nowhere, a longer distance is no person's.
        self._shortest = settings.sight.shortest_segment_m**2
        self._longest = settings.sight.longest_segment_m**2
        self._left, self._right = points.of(INDEX[f"left_{end}"]), points.of(INDEX[f"right_{end}"])
        self._feet = [(points.of(heel), points.of(toe)) for heel, toe in _FEET]
        self.forget()

    def forget(self) -> None:
        LeadState.__init__(self)

    def measure(self, now_ms: float) -> None:
        """Measure one frame, whose points are read."""
        ahead = self._side_ahead()
        if ahead is None:
            return
        if ahead != self.ahead:
            self.ahead = ahead
            self.since_ms = now_ms
        elif ahead and ahead != self.side and now_ms - self.since_ms >= self._settings.lead_held_ms:
            self.side = ahead

    def _side_ahead(self) -> int | None:
        left, right = self._left, self._right
        if not (left.is_seen and right.is_seen):
            return None
        depth_weight = self._depth_weight
        x = y = z = 0.0
        for heel, toe in self._feet:
            if heel.is_seen and toe.is_seen:
                x += toe.x - heel.x
                y += toe.y - heel.y
                z += (toe.z - heel.z) * depth_weight
        square = x * x + y * y + z * z
        if not self._shortest < square < self._longest:
            return None
        apart = (
            (left.x - right.x) * x + (left.y - right.y) * y + (left.z - right.z) * depth_weight * z
        ) / sqrt(square)
        if not -self._longest < apart < self._longest:
            return None
        least = self._settings.lead_m
        return 1 if apart >= least else -1 if apart <= -least else 0
