"""What the points of a pose tell besides angles: whether they follow one person, which side is in
front, and how the body stands to the camera."""

from dataclasses import dataclass, field
from math import sqrt
from typing import Final, Literal

from detection.engine.arithmetic import PLACE_STEPS, rounded
from detection.engine.points import Points
from detection.engine.settings import EngineSettings, SetupSettings, SightSettings
from detection.landmarks import INDEX
from detection.spec import BODY_SIDES, Measure, Plane, View

_WATCHED: Final = tuple(
    INDEX[f"{side}_{name}"] for name in ("wrist", "ankle", "elbow", "knee") for side in BODY_SIDES
)
# If this many landmarks stayed, fewer than half moved.
_ENOUGH: Final = len(_WATCHED) // 2 + 1
# Fewer that go far are an arm or a leg.
_MIN_GONE: Final = 3

# The x and y of each watched landmark in metres, None for both where it is hidden.
Places = list[float | None]


@dataclass(slots=True, eq=False)
class TrackingState:
    jumps: float = 0.0
    is_lost: bool = False
    # The last pose that was no outlier, and the outlier of the last frame.
    before: list[float | None] = field(default_factory=list)
    doubted: list[float | None] = field(default_factory=list)


class Tracking(TrackingState):
    """The count of recent outliers, by which a person is lost and found."""

    def __init__(self, points: Points, sight: SightSettings) -> None:
        self._points = [points.of(index) for index in _WATCHED]
        self._sight = sight
        self.forget()

    def forget(self) -> None:
        TrackingState.__init__(self)

    def watch(self, since_ms: float) -> None:
        """Watch one frame, whose points are read, and which comes `since_ms` after the last one."""
        sight = self._sight
        if since_ms >= sight.pose_lost_ms:
            self.forget()
        step_ms = since_ms if since_ms < sight.max_step_ms else sight.max_step_ms
        limit = sight.step_m + sight.step_m_per_ms * step_ms
        places: Places = []
        for point in self._points:
            if point.is_seen:
                places += (rounded(point.x, PLACE_STEPS), rounded(point.y, PLACE_STEPS))
            else:
                places += (None, None)
        is_outlier = (
            bool(self.before)
            and _are_apart(self.before, places, limit)
            and (not self.doubted or _are_apart(self.doubted, places, limit))
        )
        if is_outlier or self.jumps:
            keep = sight.lost_ms / (sight.lost_ms + since_ms)
            self.jumps = self.jumps * keep + is_outlier
            self.is_lost = self.jumps > (sight.found_jumps if self.is_lost else sight.lost_jumps)
        if is_outlier:
            self.doubted = places
        else:
            self.doubted = []
            self.before = places


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
    return gone >= _MIN_GONE and gone >= stayed


@dataclass(slots=True, eq=False)
class LeadState:
    # 1 left, -1 right, 0 neither: the side that leads, and the side that is ahead since when.
    side: int = 0
    ahead: int = 0
    since_ms: float = 0.0


class Lead(LeadState):
    """The side whose `limb_end` is farther along the way the toes point. A frame that does not
    show it changes nothing."""

    def __init__(
        self, limb_end: Literal["ankle", "wrist"], points: Points, settings: EngineSettings
    ) -> None:
        self._settings = settings.lead
        self._depth_weight = settings.depth.depth_weight
        # Squared: a foot shorter than this points nowhere, a longer distance is no person's.
        self._shortest = settings.sight.min_segment_m**2
        self._longest = settings.sight.max_segment_m**2
        self._left = points.of(INDEX[f"left_{limb_end}"])
        self._right = points.of(INDEX[f"right_{limb_end}"])
        self._feet = [
            (points.of(INDEX[f"{side}_heel"]), points.of(INDEX[f"{side}_foot_index"]))
            for side in BODY_SIDES
        ]
        self.forget()

    def forget(self) -> None:
        LeadState.__init__(self)

    def measure(self, now_ms: float) -> None:
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


# An arm swings by 90 degrees and more, forward or aside: it is counted from everywhere. What was
# measured is in docs/movespec/where-to-film.md.
_ARMS: Final[tuple[Measure, ...]] = ("shoulder", "upper_arm", "forearm")


def view_of(measure: Measure, plane: Plane | None) -> View:
    """The view from which the degrees of a measure hold; `any` where the plane is not known."""
    if plane is None:
        return "any" if measure in _ARMS else "side"
    # An ankle bends forward and back wherever the body goes.
    return "front" if plane == "frontal" and measure != "ankle" else "side"


def seen_from(measure: Measure, plane: Plane | None) -> View:
    """The view from which a measure is seen to change well enough to count it."""
    return "any" if measure in _ARMS else view_of(measure, plane)


class Facing:
    """How the body stands to the camera in the last frame: `view` is `any` in between."""

    def __init__(self, points: Points, settings: SetupSettings) -> None:
        self._shoulders = tuple(points.of(INDEX[f"{side}_shoulder"]) for side in BODY_SIDES)
        self._hips = tuple(points.of(INDEX[f"{side}_hip"]) for side in BODY_SIDES)
        self._settings = settings
        self.view: View = "any"

    def measure(self) -> None:
        left, right = self._shoulders
        left_hip, right_hip = self._hips
        x, y, z = left.x - right.x, left.y - right.y, left.z - right.z
        trunk_x = left.x + right.x - left_hip.x - right_hip.x
        trunk_y = left.y + right.y - left_hip.y - right_hip.y
        across = x * x + y * y
        trunk = (trunk_x * trunk_x + trunk_y * trunk_y) / 4
        side, tangent = self._settings.side_share, self._settings.view_tangent
        if across < side * side * trunk:
            self.view = "side"
        else:
            self.view = "front" if z * z <= tangent * tangent * across else "any"
