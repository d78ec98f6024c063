"""The points of the body: the landmarks that a MoveSpec needs, each read once a frame."""

from collections.abc import Sequence

from detection.engine.settings import SightSettings
from detection.landmarks import LandmarkLike


def visibility_of(landmark: LandmarkLike) -> float:
    """The visibility of a landmark, 0 to 1; one without it is seen."""
    visibility = landmark.visibility
    return 1.0 if visibility is None else visibility


class Point:
    """A landmark of the last frame: its place in metres, its visibility, 1 without one, and whether
    it is seen."""

    __slots__ = ("index", "is_seen", "visibility", "x", "y", "z")

    def __init__(self, index: int) -> None:
        self.index = index
        self.x = self.y = self.z = self.visibility = 0.0
        self.is_seen = False


class Points:
    """The points that the parts of a body have asked for."""

    __slots__ = ("_least", "_points")

    def __init__(self, sight: SightSettings) -> None:
        self._least = sight.min_visibility
        self._points: list[Point] = []

    def of(self, index: int) -> Point:
        """The point of the landmark with this index, the same for whoever asks."""
        for point in self._points:
            if point.index == index:
                return point
        self._points.append(Point(index))
        return self._points[-1]

    def read(self, landmarks: Sequence[LandmarkLike]) -> None:
        """Read the points of one frame."""
        least = self._least
        for point in self._points:
            landmark = landmarks[point.index]
            point.x, point.y, point.z = landmark.x, landmark.y, landmark.z
            visibility = visibility_of(landmark)
            point.visibility = visibility
            point.is_seen = visibility >= least


def lower_visibility(one: Point, other: Point) -> float:
    """The lower visibility of two points, 0 to 1."""
    return one.visibility if one.visibility < other.visibility else other.visibility
