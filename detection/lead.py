"""Which leg or arm is in front."""

from collections.abc import Sequence
from math import sqrt
from typing import Literal

from detection.angles import DEPTH_WEIGHT, MIN_VISIBILITY
from detection.landmarks import INDEX, LandmarkLike

LEAD_METRES = 0.1
LEAD_HELD_MS = 200.0

_FEET = (
    (INDEX["left_heel"], INDEX["left_foot_index"]),
    (INDEX["right_heel"], INDEX["right_foot_index"]),
)
# Squared metres: a foot shorter than this points nowhere, a longer distance is no person's.
_SHORTEST = 1e-6
_LONGEST = 1e4

State = list[float]


class Lead:
    """The side whose `end` (ankle or wrist) is farther along the way the toes point.

    It changes once the other side has been ahead by LEAD_METRES for LEAD_HELD_MS without a break,
    and is None until one side has been. A frame in which it cannot be told changes nothing.
    """

    __slots__ = ("_ahead", "_since_ms", "end", "side")

    def __init__(self, end: Literal["ankle", "wrist"]) -> None:
        self.end = (INDEX[f"left_{end}"], INDEX[f"right_{end}"])
        self.forget()

    def forget(self) -> None:
        self.side = 0  # 1 left, -1 right
        self._ahead = 0
        self._since_ms = 0.0

    def measure(self, landmarks: Sequence[LandmarkLike], now_ms: float) -> None:
        ahead = self._side_ahead(landmarks)
        if ahead is None:
            return
        if ahead != self._ahead:
            self._ahead = ahead
            self._since_ms = now_ms
        elif ahead and ahead != self.side and now_ms - self._since_ms >= LEAD_HELD_MS:
            self.side = ahead

    def _side_ahead(self, landmarks: Sequence[LandmarkLike]) -> int | None:
        left, right = landmarks[self.end[0]], landmarks[self.end[1]]
        if not (_is_seen(left) and _is_seen(right)):
            return None
        x = y = z = 0.0
        for heel_index, toe_index in _FEET:
            heel, toe = landmarks[heel_index], landmarks[toe_index]
            if _is_seen(heel) and _is_seen(toe):
                x += toe.x - heel.x
                y += toe.y - heel.y
                z += (toe.z - heel.z) * DEPTH_WEIGHT
        square = x * x + y * y + z * z
        if not _SHORTEST < square < _LONGEST:
            return None
        apart = (
            (left.x - right.x) * x + (left.y - right.y) * y + (left.z - right.z) * DEPTH_WEIGHT * z
        ) / sqrt(square)
        if not -_LONGEST < apart < _LONGEST:
            return None
        return 1 if apart >= LEAD_METRES else -1 if apart <= -LEAD_METRES else 0

    def snapshot(self) -> State:
        return [self.side, self._ahead, self._since_ms]

    def restore(self, state: State) -> None:
        side, ahead, self._since_ms = state
        self.side, self._ahead = int(side), int(ahead)


def _is_seen(landmark: LandmarkLike) -> bool:
    return landmark.visibility is None or landmark.visibility >= MIN_VISIBILITY
