"""The plausibility of a frame: what of it is believed.

Three rules: a landmark that is hidden is not measured (`points`), an angle that jumps is doubted,
and a person whose landmarks jump is lost. docs/engine.md gives each rule with its settings.
"""

from dataclasses import dataclass, field
from typing import Final

from detection.engine.points import Points
from detection.engine.rounding import PLACE_STEPS, rounded
from detection.engine.settings import SightSettings
from detection.landmarks import INDEX

_WATCHED: Final = tuple(
    INDEX[f"{side}_{name}"]
    for name in ("wrist", "ankle", "elbow", "knee")
    for side in ("left", "right")
)
# So many that stayed leave no half that went.
_ENOUGH: Final = len(_WATCHED) // 2 + 1
# Fewer that go far are an arm or a leg.
_FEWEST: Final = 3

# The x and y of each watched landmark in metres, None for both where it is hidden.
Places = list[float | None]


def is_jump(change: float, since_ms: float, sight: SightSettings) -> bool:
    """Whether an angle changes by more, in degrees within milliseconds, than a body moves."""
    if change < 0.0:
        change = -change
    return change > sight.jump_degrees and change > sight.jump_degrees_per_ms * since_ms


@dataclass(slots=True, eq=False)
class TrackingState:
    jumps: float = 0.0
    is_lost: bool = False
    # The last pose that was no jump, and the one to which the last frame has jumped.
    before: list[float | None] = field(default_factory=list)
    doubted: list[float | None] = field(default_factory=list)


class Tracking(TrackingState):
    """The count of recent jumps, by which a person is lost and found.

    A frame is a jump when half of the landmarks in sight have gone farther than a body goes, from
    the last frame and from the one before a jump. So a single wrong frame is one jump. The person
    is lost above lost_jumps, until there are fewer than found_jumps.
    """

    __slots__ = ("_points", "_sight")

    def __init__(self, points: Points, sight: SightSettings) -> None:
        self._points = [points.of(index) for index in _WATCHED]
        self._sight = sight
        self.forget()

    def forget(self) -> None:
        TrackingState.__init__(self)

    def check(self) -> None:
        """Raise ValueError if the poses are not of so many landmarks."""
        if not {len(self.before), len(self.doubted)} <= {0, 2 * len(_WATCHED)}:
            raise ValueError("Not the places of so many landmarks.")

    def watch(self, since_ms: float) -> None:
        """Watch one frame, whose points are read, and which comes `since_ms` after the last one."""
        sight = self._sight
        if since_ms >= sight.pose_lost_ms:
            self.forget()
        step_ms = since_ms if since_ms < sight.longest_step_ms else sight.longest_step_ms
        limit = sight.step_m + sight.step_m_per_ms * step_ms
        places = self._places()
        is_jump = (
            bool(self.before)
            and _are_apart(self.before, places, limit)
            and (not self.doubted or _are_apart(self.doubted, places, limit))
        )
        if is_jump or self.jumps:
            keep = sight.lost_ms / (sight.lost_ms + since_ms)
            self.jumps = self.jumps * keep + is_jump
            self.is_lost = self.jumps > (sight.found_jumps if self.is_lost else sight.lost_jumps)
        if is_jump:
            self.doubted = places
        else:
            self.doubted = []
            self.before = places

    def _places(self) -> Places:
        places: Places = []
        for point in self._points:
            if point.is_seen:
                places.append(rounded(point.x, PLACE_STEPS))
                places.append(rounded(point.y, PLACE_STEPS))
            else:
                places.append(None)
                places.append(None)
        return places


def _are_apart(before: Places, places: Places, limit: float) -> bool:
    square = limit * limit
    gone = stayed = 0
    for index in range(0, len(places), 2):
        one_x, one_y = before[index], before[index + 1]
        other_x, other_y = places[index], places[index + 1]
        if one_x is None or one_y is None or other_x is None or other_y is None:
            continue
        x, y = other_x - one_x, other_y - one_y
        if x * x + y * y > square:
            gone += 1
        else:
            stayed += 1
            if stayed == _ENOUGH:
                return False
    return gone >= _FEWEST and gone >= stayed
