"""From where a camera sees an angle, and how a body stands to the camera."""

from typing import Final

from detection.engine.points import Points
from detection.engine.settings import SetupSettings
from detection.landmarks import INDEX
from detection.spec import Measure, Plane, View

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
    """How the body stands to the camera in the last frame: `view` is `any` in between.

    The line between the shoulders is measured against the trunk in the image, since its depth is
    known several times worse.
    """

    __slots__ = ("_hips", "_settings", "_shoulders", "view")

    def __init__(self, points: Points, settings: SetupSettings) -> None:
        self._shoulders = tuple(points.of(INDEX[f"{side}_shoulder"]) for side in ("left", "right"))
        self._hips = tuple(points.of(INDEX[f"{side}_hip"]) for side in ("left", "right"))
        self._settings = settings
        self.view: View = "any"

    def see(self) -> None:
        """See the body of this frame."""
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
