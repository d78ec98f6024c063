"""Pictures in SVG: the figure of dev/poses/ as limbs, with its angles."""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from detection import JOINT_LANDMARKS, LANDMARK_NAMES, SEGMENT_LANDMARKS, Landmark, Measure

Point = tuple[float, float]
LIMBS = {
    "arm": ("shoulder", "elbow", "wrist", "index"),
    "leg": ("hip", "knee", "ankle"),
    "foot": ("heel", "foot_index"),
}
HEAD_M, NECK = 0.115, "neck"
LANDMARKS: dict[Measure, tuple[str, ...]] = {
    **dict(JOINT_LANDMARKS.items()),
    **dict(SEGMENT_LANDMARKS.items()),
}


def _limb(depth: str, side: str, limb: str) -> tuple[str, tuple[str, ...]]:
    return f"{depth} {limb}", tuple(f"{side}_{name}" for name in LIMBS[limb])


# The lines of a body, each a class and the names of its points, those in the rear first. The camera
# sees the right side. The arm that is nearer hides the trunk, and the legs do not.
LINES = (
    *(_limb("far", "left", limb) for limb in ("arm", "leg", "foot")),
    ("trunk", ("head", NECK, "pelvis")),
    ("trunk", ("left_shoulder", "right_shoulder")),
    ("trunk", ("left_hip", "right_hip")),
    *(_limb("near", "right", limb) for limb in ("leg", "foot", "arm")),
)


def points_of(landmarks: Sequence[Landmark], scale: float, ground: Point) -> dict[str, Point]:
    """The points of a body by name, in pixels, with the middle of its heels at `ground`.

    The landmarks have their origin between the hips, which the eye takes for a body that floats.
    """
    named = dict(zip(LANDMARK_NAMES, landmarks, strict=True))
    heels = [named[f"{side}_heel"] for side in ("left", "right")]
    from_x = sum(heel.x for heel in heels) / 2
    floor = max(one.y for one in landmarks)
    points = {
        name: (ground[0] + (one.x - from_x) * scale, ground[1] + (one.y - floor) * scale)
        for name, one in named.items()
    }
    return with_middles(points)


def placed(landmarks: Sequence[Landmark], scale: float, ground: Point) -> dict[str, Point]:
    """The same, with the middle of its width above `ground`, which it stands on."""
    points = points_of(landmarks, scale, (0.0, ground[1]))
    left, right, *_ = extent(points)
    aside = ground[0] - (left + right) / 2
    return {name: (x + aside, y) for name, (x, y) in points.items()}


def extent(points: Mapping[str, Point]) -> tuple[float, float, float, float]:
    xs, ys = zip(*points.values(), strict=True)
    return min(xs), max(xs), min(ys), max(ys)


def with_middles(points: dict[str, Point]) -> dict[str, Point]:
    for name, of in (("head", "ear"), (NECK, "shoulder"), ("pelvis", "hip")):
        (ax, ay), (bx, by) = points[f"left_{of}"], points[f"right_{of}"]
        points[name] = (ax + bx) / 2, (ay + by) / 2
    return points


def number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def spot(point: Point, between: str = " ") -> str:
    return f"{number(point[0])}{between}{number(point[1])}"


def joined(points: Mapping[str, Point], names: Sequence[str]) -> str:
    return " ".join(spot(points[name], ",") for name in names)


def around(middle: Point, radius: float, way: float) -> Point:
    """The point of a circle in the direction of `way`, in radians; a quarter turn is down."""
    return middle[0] + radius * math.cos(way), middle[1] + radius * math.sin(way)


def arc_to(end: Point, radius: float, *, is_clockwise: bool) -> str:
    return f"A{number(radius)} {number(radius)} 0 0 {int(is_clockwise)} {spot(end)}"


class Picture:
    """An SVG document, which grows by what is drawn."""

    def __init__(self, wide: int, high: int, style: str) -> None:
        self.high = high
        self._parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {high}" '
            f'width="{wide}" height="{high}">',
            style,
            f'<rect class="paper" width="{wide}" height="{high}"/>',
        ]

    def add(self, element: str) -> None:
        self._parts.append(element)

    def path(self, kind: str, drawn: str, more: str = "") -> None:
        self.add(f'<path class="{kind}" d="{drawn}"{more}/>')

    def text(self, kind: str, at: Point, words: str, anchor: str = "middle") -> None:
        of = f' class="{kind}"' if kind else ""
        place = f'x="{number(at[0])}" y="{number(at[1])}"'
        self.add(f'<text{of} {place} text-anchor="{anchor}">{words}</text>')

    def body(self, points: Mapping[str, Point], scale: float, kind: str = "") -> None:
        for name, of in LINES:
            self.add(f'<polyline class="{kind}{name}" points="{joined(points, of)}"/>')
        x, y = map(number, points["head"])
        self.add(f'<circle class="head" cx="{x}" cy="{y}" r="{number(HEAD_M * scale)}"/>')

    def whole(self) -> str:
        return "\n".join([*self._parts, "</svg>"]) + "\n"


class Angle(NamedTuple):
    """The angle at `at`, from the direction `start` by a `turn`, in radians."""

    at: Point
    start: float
    turn: float

    @property
    def degrees(self) -> float:
        return abs(math.degrees(self.turn))

    def arc(self, radius: float) -> str:
        return f"M{spot(self._on(0.0, radius))}{self._arc_to(self.turn, radius)}"

    def wedge(self, radius: float, least: float, most: float) -> str:
        """The path of the sector in which the other way is from `least` to `most` degrees."""
        sign = 1 if self.turn > 0 else -1
        first, last = (sign * math.radians(degrees) for degrees in (least, most))
        start = spot(self._on(first, radius))
        return f"M{spot(self.at)}L{start}{self._arc_to(last, radius)}Z"

    def beside(self, radius: float) -> Point:
        """The point in the middle of the arc, for a label."""
        return self._on(self.turn / 2, radius)

    def _arc_to(self, turn: float, radius: float) -> str:
        return arc_to(self._on(turn, radius), radius, is_clockwise=self.turn > 0)

    def _on(self, turn: float, radius: float) -> Point:
        return around(self.at, radius, self.start + turn)


def angle_of(points: Mapping[str, Point], measure: Measure, side: str) -> Angle:
    """The angle of a joint, or that of a segment from the vertical."""
    ends = [points[f"{side}_{name}"] for name in LANDMARKS[measure]]
    if measure == "trunk":
        ends = [points["pelvis"], points[NECK]]
    if len(ends) == 3:
        one, at, other = ends
    else:
        at, other = ends
        one = (at[0], at[1] - 1)
    start, end = (math.atan2(to[1] - at[1], to[0] - at[0]) for to in (one, other))
    return Angle(at, start, (end - start + math.pi) % (2 * math.pi) - math.pi)
