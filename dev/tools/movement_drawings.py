"""Drawings of the catalogue's movements for their pages, made from MoveSpec and figure alone.

Of each movement the figure in each phase, with the angles that the phase bounds and their bands,
and the figure by itself, for lists.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from detection import JOINT_LANDMARKS, SEGMENT_LANDMARKS, Criterion, Measure
from detection.engine.body import Curve
from detection.role_words import band_words
from dev.tools.bodies import HEAD_M, Angle, Point, joined, lines, number, points_of
from dev.tools.movement_poses import NEAR, PAIR, Posed, poses_of, spec_of

# A picture does not know its page's colours: it turns dark with the reader's browser.
STYLE = """<style>
svg { font: 14px system-ui, "Segoe UI", Roboto, "Liberation Sans", sans-serif; }
.paper { fill: #ffffff; } .near, .trunk { stroke: #12403f; } .far { stroke: #9fb5b3; }
.head { fill: #12403f; } .arc { stroke: #0b7a75; } .wedge { fill: #ffd166; fill-opacity: 0.6; }
.name { fill: #0a655f; font-weight: 600; } .band { fill: #526060; }
.lead, .floor { stroke: #9fb5b3; } .camera { fill: #0b7a75; }
@media (prefers-color-scheme: dark) {
  .paper { fill: #0f1716; } .near, .trunk { stroke: #d9f2ef; } .far { stroke: #3f7672; }
  .head { fill: #d9f2ef; } .arc { stroke: #7fdcd4; } .wedge { fill-opacity: 0.45; }
  .name { fill: #7fdcd4; } .band { fill: #a3b4b2; }
  .lead, .floor { stroke: #3f7672; } .camera { fill: #7fdcd4; }
}
polyline { fill: none; stroke-width: 9; stroke-linecap: round; stroke-linejoin: round; }
.arc { fill: none; stroke-width: 2.5; } .lead { fill: none; stroke-dasharray: 2 3; }
.floor { fill: none; stroke-width: 2; }
</style>"""
WIDE = 500
# Room for labels on either side of the body, and above and below it.
LABELS, MARGIN = 152.0, 22.0
MAX_SCALE, RADIUS, LABEL_HIGH = 140.0, 27.0, 40.0
LANDMARKS: dict[Measure, tuple[str, ...]] = {
    **dict(JOINT_LANDMARKS.items()),
    **dict(SEGMENT_LANDMARKS.items()),
}
SMALL_WIDE, SMALL_HIGH = 120, 90


@dataclass(frozen=True)
class Label:
    at: Point
    name: str
    band: str


class Picture:
    def __init__(self, wide: int, high: int, style: str = STYLE) -> None:
        self.high = high
        self.parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {high}" '
            f'width="{wide}" height="{high}">',
            style,
            f'<rect class="paper" width="{wide}" height="{high}"/>',
        ]

    def path(self, name: str, drawn: str) -> None:
        self.parts.append(f'<path class="{name}" d="{drawn}"/>')

    def text(self, name: str, at: Point, anchor: str, words: str) -> None:
        self.parts.append(
            f'<text class="{name}" x="{number(at[0])}" y="{number(at[1])}" '
            f'text-anchor="{anchor}">{words}</text>'
        )

    def body(self, points: dict[str, Point], scale: float) -> None:
        for name, of in lines():
            self.parts.append(f'<polyline class="{name}" points="{joined(points, of)}"/>')
        x, y = points["head"]
        self.parts.append(
            f'<circle class="head" cx="{number(x)}" cy="{number(y)}" r="{number(HEAD_M * scale)}"/>'
        )

    def label(self, label: Label, at: Point, *, is_left: bool) -> None:
        """Two lines beside the picture's edge, with a line to what they are about."""
        anchor = "start" if is_left else "end"
        edge = at[0] + (LABELS - 14 if is_left else 14 - LABELS)
        self.path(
            "lead",
            f"M{number(edge)} {number(at[1] - 5)}L{number(label.at[0])} {number(label.at[1])}",
        )
        self.text("name", at, anchor, label.name)
        self.text("band", (at[0], at[1] + 17), anchor, label.band)

    def whole(self) -> str:
        return "\n".join([*self.parts, "</svg>"]) + "\n"


def phase(slug: str, at: int) -> str:
    """The figure in a phase, its angles with their bands, and a label for each."""
    posed, criteria = poses_of(slug)[at], spec_of(slug).phases[at].criteria
    scale = min(_scale(one, (WIDE - 2 * LABELS, 300.0), MAX_SCALE) for one in poses_of(slug))
    high = _height(slug, scale)
    picture = Picture(WIDE, high)
    points = _placed(posed, scale, (WIDE / 2, high - MARGIN))
    ground = points["left_wrist"][1] if _has_hands_up(slug) else high - MARGIN + 7
    picture.path("floor", f"M{number(LABELS / 2)} {number(ground)}H{number(WIDE - LABELS / 2)}")
    angles = [_angle(points, one, posed.side_of(one)) for one in criteria]
    for criterion, angle in zip(criteria, angles, strict=True):
        picture.path("wedge", angle.wedge(RADIUS, criterion.minimum, criterion.maximum))
    picture.body(points, scale)
    for angle in angles:
        picture.path("arc", angle.arc(RADIUS))
    labels = [_label(posed, *pair) for pair in zip(criteria, angles, strict=True)]
    _write(picture, labels)
    return picture.whole()


def small(slug: str) -> str:
    """The figure by itself, in the phase that is least like standing."""
    posed = max(poses_of(slug), key=Posed.from_standing)
    scale = _scale(posed, (SMALL_WIDE - 24, SMALL_HIGH - 20), 60)
    style = STYLE.replace("stroke-width: 9", "stroke-width: 4")
    picture = Picture(SMALL_WIDE, SMALL_HIGH, style)
    picture.body(_placed(posed, scale, (SMALL_WIDE / 2, SMALL_HIGH - 10)), scale)
    return picture.whole()


def _height(slug: str, scale: float) -> int:
    """That of the pictures of a movement's phases, with room for the labels."""
    bodies = (_extent(points_of(posed.landmarks, scale, (0.0, 0.0))) for posed in poses_of(slug))
    highest = max(bottom - top for _, _, top, bottom in bodies) + HEAD_M * scale
    most = max(len(one.criteria) for one in spec_of(slug).phases)
    return round(max(highest, LABEL_HIGH * ((most + 1) // 2)) + 2 * MARGIN)


def _has_hands_up(slug: str) -> bool:
    """Whether its hands are above its head in every phase: then a bar is drawn, and no ground."""
    return all(posed.landmarks[15].y < posed.landmarks[0].y for posed in poses_of(slug))


def _extent(points: dict[str, Point]) -> tuple[float, float, float, float]:
    xs, ys = zip(*points.values(), strict=True)
    return min(xs), max(xs), min(ys), max(ys)


def _scale(posed: Posed, room: Point, most: float) -> float:
    """The pixels of a metre with which the body, with its head, has room."""
    left, right, top, bottom = _extent(points_of(posed.landmarks, 1.0, (0.0, 0.0)))
    return min(most, room[0] / (right - left), room[1] / (bottom - top + HEAD_M))


def _placed(posed: Posed, scale: float, ground: Point) -> dict[str, Point]:
    """The points of the body with its middle above `ground`, which it stands on."""
    points = points_of(posed.landmarks, scale, (0.0, 0.0))
    left, right, *_ = _extent(points)
    aside = ground[0] - (left + right) / 2
    return {name: (x + aside, y + ground[1]) for name, (x, y) in points.items()}


def _angle(points: dict[str, Point], criterion: Criterion, side: Curve) -> Angle:
    """The angle of a joint, or that of a segment from the vertical."""
    near = NEAR if side == PAIR else side
    if criterion.measure == "trunk":
        return _lean(points["pelvis"], points["neck"])
    ends = [points[f"{near}_{name}"] for name in LANDMARKS[criterion.measure]]
    return _lean(*ends) if len(ends) == 2 else Angle(ends[1], ends[0], ends[2])


def _lean(lower: Point, upper: Point) -> Angle:
    return Angle(lower, (lower[0], lower[1] - 1), upper)


def _label(posed: Posed, criterion: Criterion, angle: Angle) -> Label:
    name = criterion.measure.replace("_", " ")
    side = "each" if criterion.side == "both" else posed.side_of(criterion)
    if side != PAIR:
        name = f"{side} {name}"
    degrees = posed.degrees(criterion, posed.side_of(criterion))
    measured = "" if degrees is None else f" {degrees:.0f}°"
    band = band_words(criterion.minimum, criterion.maximum)
    leans = "leans " if criterion.measure in SEGMENT_LANDMARKS else ""
    return Label(angle.beside(RADIUS), name + measured, leans + band)


def _write(picture: Picture, labels: Sequence[Label]) -> None:
    """Each label on the side of what it is about, as many on either, and none over another."""
    by_x = sorted(labels, key=lambda label: label.at)
    half = (len(by_x) + 1) // 2
    for is_left, column in ((True, by_x[:half]), (False, by_x[half:])):
        ordered = sorted(column, key=lambda label: label.at[1])
        x = 8.0 if is_left else WIDE - 8.0
        heights = _spread([one.at[1] for one in ordered], picture.high - MARGIN - 10)
        for label, y in zip(ordered, heights, strict=True):
            picture.label(label, (x, y), is_left=is_left)


def _spread(wanted: Sequence[float], lowest: float) -> list[float]:
    """Heights near those that are wanted, which rise, each a label's height from the next."""
    found: list[float] = []
    for at, height in enumerate(wanted):
        least = found[-1] + LABEL_HIGH if found else MARGIN
        most = lowest - LABEL_HIGH * (len(wanted) - 1 - at)
        found.append(min(max(height, least), most))
    return found
