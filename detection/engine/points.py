"""The points of a pose: its landmarks as the engine reads them, however the frame carries them."""

from collections.abc import Sequence
from typing import Final, Protocol

from detection.engine.settings import SightSettings
from detection.landmarks import LANDMARK_NAMES, LandmarkLike

COORDINATES: Final = 3 * len(LANDMARK_NAMES)
# Of each coordinate two bytes, and of each visibility one.
POSE_BYTES: Final = 2 * COORDINATES + len(LANDMARK_NAMES)
STEPS_PER_METRE: Final = 1000
VISIBILITY_STEPS: Final = 250
UNKNOWN_VISIBILITY: Final = 255


class PackedPose:
    """The 33 landmarks from byte `at` of `data`, of which each is read where it lies.

    First the x, y and z of each, in canonical order, as signed little-endian numbers of 16 bits in
    millimetres; then the visibility of each in 250ths, 255 where it is not known.
    """

    __slots__ = ("_at", "_data")

    def __init__(self, data: bytes, at: int) -> None:
        self._data = data
        self._at = at

    def coordinate(self, number: int) -> float:
        """In metres. `number` is three times the landmark's index, and 1 more for y, 2 for z."""
        at = self._at + 2 * number
        steps = self._data[at] | self._data[at + 1] << 8
        return (steps - 0x10000 if steps & 0x8000 else steps) / STEPS_PER_METRE

    def visibility(self, index: int) -> float:
        """The visibility of a landmark, 0 to 1; one without it counts as seen."""
        steps = self._data[self._at + 2 * COORDINATES + index]
        return 1.0 if steps == UNKNOWN_VISIBILITY else steps / VISIBILITY_STEPS


Pose = Sequence[LandmarkLike] | PackedPose


class PoseFrameLike(Protocol):
    """A pose frame, as far as the engine reads it."""

    @property
    def timestamp_ms(self) -> float: ...
    @property
    def landmarks(self) -> Pose: ...


class Point:
    """A landmark of the last frame, in metres."""

    __slots__ = ("index", "is_seen", "visibility", "x", "y", "z")

    def __init__(self, index: int) -> None:
        self.index = index
        self.x = self.y = self.z = self.visibility = 0.0
        self.is_seen = False


class Points:
    """The landmarks that a MoveSpec needs, each read once a frame."""

    def __init__(self, sight: SightSettings) -> None:
        self._least = sight.min_visibility
        self._points: list[Point] = []

    def of(self, index: int) -> Point:
        """The point of the landmark with this index, the same for every caller."""
        for point in self._points:
            if point.index == index:
                return point
        self._points.append(Point(index))
        return self._points[-1]

    def read(self, pose: Pose) -> None:
        if isinstance(pose, PackedPose):
            for point in self._points:
                first = 3 * point.index
                point.x = pose.coordinate(first)
                point.y = pose.coordinate(first + 1)
                point.z = pose.coordinate(first + 2)
                point.visibility = pose.visibility(point.index)
                point.is_seen = point.visibility >= self._least
        else:
            for point in self._points:
                landmark = pose[point.index]
                point.x, point.y, point.z = landmark.x, landmark.y, landmark.z
                visibility = landmark.visibility
                point.visibility = 1.0 if visibility is None else visibility
                point.is_seen = point.visibility >= self._least

    def show_somebody(self, pose: Pose) -> bool:
        """Whether any landmark of a pose is in sight, whoever needs it."""
        least = self._least
        if isinstance(pose, PackedPose):
            return any(pose.visibility(index) >= least for index in range(len(LANDMARK_NAMES)))
        return any(one.visibility is None or one.visibility >= least for one in pose)
