"""Drawings of the catalogue's movements for their pages, made from MoveSpec and figure alone.

For each movement: the figure in each phase, with the angles that the phase bounds and their bands;
the movement and its camera seen from above; and the figure by itself, for lists.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import NamedTuple

from detection import (
    LANDMARK_NAMES,
    SEGMENT_LANDMARKS,
    Criterion,
    Landmark,
    Measure,
    MoveSpec,
)
from detection import compile as compile_movespec
from detection.engine.body import Curve
from detection.engine.settings import EngineSettings
from detection.roles import band_words
from detection.spec import BODY_SIDES, BodySide
from dev.local_stack.environment import PROJECT
from dev.poses.figure import MOVEMENTS, Camera, Posture, landmarks
from dev.poses.recordings import Recording
from dev.replay.engine_run import run_engine, stays
from dev.tools.bodies import (
    HEAD_M,
    Picture,
    Point,
    angle_of,
    arc_to,
    around,
    extent,
    joined,
    number,
    placed,
    points_of,
    spot,
)

MOVESPECS = PROJECT / "examples" / "movespecs"
FPS = 10.0
# A hold is seen once it has lasted so long.
SEEN_SECONDS = 2.0
PAIR: Curve = "pair"
# The side that the camera sees, which stands for both.
NEAR: BodySide = "right"


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
SMALL_WIDE, SMALL_HIGH = 120, 90


ABOVE_WIDE, ABOVE_HIGH = 380, 290
MIDDLE: Point = (190.0, 134.0)
ABOVE_SCALE, INNER, OUTER = 92.0, 92.0, 124.0
# Thinner than from the side, since limbs lie over each other.
THIN = STYLE.replace("stroke-width: 9", "stroke-width: 6")
# How far off the view the setup lets somebody stand; of one that it does not ask for, a little.
ASKED = math.degrees(math.atan(EngineSettings().setup.view_tangent))
SHOWN = 15.0
# Where a view lets the camera be, in degrees from the body's right side towards its front.
VIEWS = {"side": (0.0, 180.0), "front": (90.0, 270.0)}


class Posed(NamedTuple):
    """The figure in a moment. `angles` are the engine's, by measure and side."""

    landmarks: Sequence[Landmark]
    angles: Mapping[tuple[Measure, Curve], float]

    def side_of(self, criterion: Criterion) -> Curve:
        """The side on which a criterion is shown."""
        match criterion.side:
            case None:
                return PAIR
            case "both":
                return NEAR
            case "either":
                return min(BODY_SIDES, key=lambda side: self._missed(criterion, side))
            case "front":
                return max(BODY_SIDES, key=self._ahead)
            case "back":
                return min(BODY_SIDES, key=self._ahead)
            case side:
                return side

    def missed_by(self, criteria: Iterable[Criterion]) -> float:
        """By how many degrees it misses the bands, in sum."""
        return round(sum(self._missed(one, self.side_of(one)) for one in criteria), 1)

    def _missed(self, criterion: Criterion, side: Curve) -> float:
        degrees = self.angles.get((criterion.measure, side))
        if degrees is None:
            return 180.0
        return max(criterion.minimum - degrees, degrees - criterion.maximum, 0.0)

    def _ahead(self, side: BodySide) -> float:
        """How far the foot of a side is ahead, by where both feet point."""
        named = dict(zip(LANDMARK_NAMES, self.landmarks, strict=True))
        pointing = sum(named[f"{one}_foot_index"].x - named[f"{one}_heel"].x for one in BODY_SIDES)
        return named[f"{side}_ankle"].x * pointing


@cache
def spec_of(slug: str) -> MoveSpec:
    return compile_movespec((MOVESPECS / f"{slug}.yaml").read_text(encoding="utf-8"))


@cache
def poses_of(slug: str) -> tuple[Posed, ...]:
    """Of the first stay in each phase the pose that misses the bands least, and of several the one
    in the middle."""
    spec, movement = spec_of(slug), MOVEMENTS[slug]
    camera = Camera(fps=FPS, turned=movement.turned, noise_m=0, hides=False)
    poses = [tuple(one.landmarks) for one in movement.film(repetitions=1, camera=camera)]
    run = run_engine(
        spec,
        Recording(exercise=slug, count=None, rep_frames=None, fps=FPS, source="", frames=[*poses]),
    )
    seen = list(zip(run.seconds, map(Posed, poses, run.angles), strict=True))
    found = []
    for phase in spec.phases:
        start, end = stays(phase.name, run)[0]
        if spec.type == "hold":
            end = min(end, start + SEEN_SECONDS)
        stay = [posed for second, posed in seen if start <= second < end]
        missed = [posed.missed_by(phase.criteria) for posed in stay]
        least = [at for at, by in enumerate(missed) if by == min(missed)]
        found.append(stay[least[len(least) // 2]])
    return tuple(found)


def phase(slug: str, at: int) -> str:
    """The figure in a phase, its angles with their bands, and a label for each."""
    posed, criteria = poses_of(slug)[at], spec_of(slug).phases[at].criteria
    scale = min(_scale(one, (WIDE - 2 * LABELS, 300.0), MAX_SCALE) for one in poses_of(slug))
    # Room for the body with its head, and for the labels.
    bodies = (extent(points_of(one.landmarks, scale, (0.0, 0.0))) for one in poses_of(slug))
    highest = max(bottom - top for _, _, top, bottom in bodies) + HEAD_M * scale
    most = max(len(one.criteria) for one in spec_of(slug).phases)
    high = round(max(highest, LABEL_HIGH * ((most + 1) // 2)) + 2 * MARGIN)
    picture = Picture(WIDE, high, STYLE)
    points = placed(posed.landmarks, scale, (WIDE / 2, high - MARGIN))
    # With the hands above the head in every phase a bar is drawn, and no ground.
    is_hanging = all(one.landmarks[15].y < one.landmarks[0].y for one in poses_of(slug))
    ground = points["left_wrist"][1] if is_hanging else high - MARGIN + 7
    picture.path("floor", f"M{number(LABELS / 2)} {number(ground)}H{number(WIDE - LABELS / 2)}")
    angles = {}
    for one in criteria:
        side = posed.side_of(one)
        angles[one] = angle_of(points, one.measure, NEAR if side == PAIR else side)
        picture.path("wedge", angles[one].wedge(RADIUS, one.minimum, one.maximum))
    picture.body(points, scale)
    for angle in angles.values():
        picture.path("arc", angle.arc(RADIUS))
    _write(picture, [(of.beside(RADIUS), *_label(posed, one)) for one, of in angles.items()])
    return picture.whole()


def small(slug: str) -> str:
    """The figure by itself, in the phase that is least like standing."""
    standing = landmarks(Posture())

    def from_standing(posed: Posed) -> float:
        pairs = zip(posed.landmarks, standing, strict=True)
        return round(sum(math.dist(one[:3], other[:3]) for one, other in pairs), 3)

    posed = max(poses_of(slug), key=from_standing)
    scale = _scale(posed, (SMALL_WIDE - 24, SMALL_HIGH - 20), 60)
    style = STYLE.replace("stroke-width: 9", "stroke-width: 4")
    picture = Picture(SMALL_WIDE, SMALL_HIGH, style)
    picture.body(placed(posed.landmarks, scale, (SMALL_WIDE / 2, SMALL_HIGH - 10)), scale)
    return picture.whole()


def _scale(posed: Posed, room: Point, most: float) -> float:
    """The pixels of a metre with which the body, with its head, has room."""
    left, right, top, bottom = extent(points_of(posed.landmarks, 1.0, (0.0, 0.0)))
    return min(most, room[0] / (right - left), room[1] / (bottom - top + HEAD_M))


def _label(posed: Posed, criterion: Criterion) -> tuple[str, str]:
    shown = posed.side_of(criterion)
    name = criterion.measure.replace("_", " ")
    if criterion.side is not None:
        name = f"{'each' if criterion.side == 'both' else shown} {name}"
    if (degrees := posed.angles.get((criterion.measure, shown))) is not None:
        name += f" {degrees:.0f}°"
    leans = "leans " if criterion.measure in SEGMENT_LANDMARKS else ""
    return name, leans + band_words(criterion.minimum, criterion.maximum)


def _write(picture: Picture, labels: Sequence[tuple[Point, str, str]]) -> None:
    """Two lines for each angle beside the picture's edge, with a line to it.

    Each is on the side of its angle, as many on either, and none over another.
    """
    by_x = sorted(labels)
    half = (len(by_x) + 1) // 2
    for anchor, x, inner, column in (
        ("start", 8.0, LABELS - 6, by_x[:half]),
        ("end", WIDE - 8.0, WIDE - LABELS + 6, by_x[half:]),
    ):
        y, most = -math.inf, picture.high - MARGIN - 10 - LABEL_HIGH * len(column)
        for at, name, band in sorted(column, key=lambda label: label[0][1]):
            most += LABEL_HIGH
            y = min(max(at[1], y + LABEL_HIGH, MARGIN), most)
            picture.path("lead", f"M{spot((inner, y - 5))}L{spot(at)}")
            picture.text("name", (x, y), name, anchor)
            picture.text("band", (x, y + 17), band, anchor)


def camera(slug: str) -> str:
    """The body from above, the camera that filmed it, and yellow where the camera may be."""
    setup, turned = spec_of(slug).setup, MOVEMENTS[slug].turned
    picture = Picture(ABOVE_WIDE, ABOVE_HIGH, THIN)
    view = setup.view if setup else "any"
    middles, off = (VIEWS[view], ASKED) if view in VIEWS else ((turned,), SHOWN)
    for middle in middles:
        # The camera is below, so what is off its own place is turned from there.
        picture.path("wedge", _ring(90.0 + turned - middle, off))
    # From above what is farther away is higher.
    flat = [one._replace(y=-one.z) for one in poses_of(slug)[0].landmarks]
    deep = max(one.y for one in flat) - min(one.y for one in flat)
    points = placed(flat, ABOVE_SCALE, (MIDDLE[0], MIDDLE[1] + deep / 2 * ABOVE_SCALE))
    picture.body(points, ABOVE_SCALE)
    # The nose, and so where it looks.
    picture.add(f'<polyline class="trunk" points="{joined(points, ("head", "nose"))}"/>')
    x, y = MIDDLE[0], MIDDLE[1] + OUTER
    picture.path("lead", f"M{spot((x, MIDDLE[1] + 50))}V{number(y)}")
    box, lens = spot((x - 16, y + 2)), spot((x - 7, y + 2))
    picture.path("camera", f"M{box}h32v20h-32zM{lens}l3 -7h8l3 7z")
    picture.text("name", (x + 26, y + 17), "camera", "start")
    picture.text("band", (12, 24), "seen from above", "start")
    return picture.whole()


def _ring(middle: float, off: float) -> str:
    """The part of a ring that is up to `off` degrees off its middle; 90 is below."""
    first, last = math.radians(middle - off), math.radians(middle + off)
    outer = arc_to(around(MIDDLE, OUTER, last), OUTER, is_clockwise=True)
    inner = arc_to(around(MIDDLE, INNER, first), INNER, is_clockwise=False)
    starts = [spot(around(MIDDLE, *of)) for of in ((OUTER, first), (INNER, last))]
    return f"M{starts[0]}{outer}L{starts[1]}{inner}Z"
