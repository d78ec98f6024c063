"""Pictures in SVG: the figure of dev/poses/ as limbs, with its angles."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from detection import JOINT_LANDMARKS, LANDMARK_NAMES, SEGMENT_LANDMARKS, Landmark, Measure

Point = tuple[float, float]
# The sides of a body, the rear one first; `near` is the side that the camera sees.
SIDES = {"far": "left", "near": "right"}
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
    """Its left, right, top and bottom."""
    xs, ys = zip(*points.values(), strict=True)
    return min(xs), max(xs), min(ys), max(ys)


def with_middles(points: dict[str, Point]) -> dict[str, Point]:
    """The points, with head, neck and pelvis."""
    for name, of in (("head", "ear"), (NECK, "shoulder"), ("pelvis", "hip")):
        (ax, ay), (bx, by) = points[f"left_{of}"], points[f"right_{of}"]
        points[name] = (ax + bx) / 2, (ay + by) / 2
    return points


def lines() -> list[tuple[str, tuple[str, ...]]]:
    """The lines of a body: a class, and the names of the points, those in the rear first."""
    found: list[tuple[str, tuple[str, ...]]] = []
    for depth, side in SIDES.items():
        if depth == "near":
            found.append(("trunk", ("head", NECK, "pelvis")))
            for bar in ("shoulder", "hip"):
                found.append(("trunk", (f"left_{bar}", f"right_{bar}")))
        for limb, names in LIMBS.items():
            found.append((f"{depth} {limb}", tuple(f"{side}_{name}" for name in names)))
    # The arm that is nearer hides the trunk, and the legs do not.
    found.append(found.pop(next(i for i, one in enumerate(found) if one[0] == "near arm")))
    return found


def number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def joined(points: Mapping[str, Point], names: Sequence[str]) -> str:
    return " ".join(f"{number(points[name][0])},{number(points[name][1])}" for name in names)


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
        for name, of in lines():
            self.add(f'<polyline class="{kind}{name}" points="{joined(points, of)}"/>')
        x, y = points["head"]
        self.add(
            f'<circle class="head" cx="{number(x)}" cy="{number(y)}" r="{number(HEAD_M * scale)}"/>'
        )

    def angle(self, angle: "Angle", radius: float) -> None:
        """The arc of an angle, filled."""
        arc, (x, y) = angle.arc(radius), angle.at
        self.path("wedge", f"{arc}L{number(x)} {number(y)}Z")
        self.path("arc", arc)

    def whole(self) -> str:
        return "\n".join([*self._parts, "</svg>"]) + "\n"


@dataclass(frozen=True)
class Angle:
    """The angle at `at` between the ways to two points; `label` is placed `away` pixels off."""

    at: Point
    one: Point
    other: Point

    @property
    def _ways(self) -> tuple[float, float]:
        a, b = (
            math.atan2(end[1] - self.at[1], end[0] - self.at[0]) for end in (self.one, self.other)
        )
        return a, (b - a + math.pi) % (2 * math.pi) - math.pi

    @property
    def degrees(self) -> float:
        return abs(math.degrees(self._ways[1]))

    def arc(self, radius: float) -> str:
        """The path of the arc between the two ways."""
        start, turn = self._ways
        first, last = self._on(start, radius), self._on(start + turn, radius)
        return (
            f"M{number(first[0])} {number(first[1])}A{number(radius)} {number(radius)} 0 0 "
            f"{int(turn > 0)} {number(last[0])} {number(last[1])}"
        )

    def wedge(self, radius: float, least: float, most: float) -> str:
        """The path of the sector in which the other way is from `least` to `most` degrees."""
        start, turn = self._ways
        sign = 1 if turn > 0 else -1
        first, last = (
            self._on(start + sign * math.radians(degrees), radius) for degrees in (least, most)
        )
        return (
            f"M{number(self.at[0])} {number(self.at[1])}L{number(first[0])} {number(first[1])}"
            f"A{number(radius)} {number(radius)} 0 0 {int(turn > 0)} "
            f"{number(last[0])} {number(last[1])}Z"
        )

    def beside(self, radius: float) -> Point:
        """The point in the middle of the arc, for a label."""
        start, turn = self._ways
        return self._on(start + turn / 2, radius)

    def _on(self, way: float, radius: float) -> Point:
        return self.at[0] + radius * math.cos(way), self.at[1] + radius * math.sin(way)


def angle_of(points: Mapping[str, Point], measure: Measure, side: str) -> Angle:
    """The angle of a joint, or that of a segment from the vertical."""
    ends = [points[f"{side}_{name}"] for name in LANDMARKS[measure]]
    if measure == "trunk":
        ends = [points["pelvis"], points[NECK]]
    if len(ends) == 3:
        return Angle(ends[1], ends[0], ends[2])
    lower, upper = ends
    return Angle(lower, (lower[0], lower[1] - 1), upper)
