"""Drawings of the catalogue's movements for their pages, made from MoveSpec and figure alone.

For each movement: the figure in each phase, with the angles that the phase bounds and their bands;
the movement and its camera seen from above; and the figure by itself, for lists.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from detection import (
    LANDMARK_NAMES,
    SEGMENT_LANDMARKS,
    Criterion,
    Engine,
    Landmark,
    Measure,
    MoveSpec,
    PoseFrame,
)
from detection import compile as compile_movespec
from detection.engine.body import Curve
from detection.engine.settings import EngineSettings
from detection.roles import band_words
from detection.spec import BODY_SIDES, BodySide
from dev.local_stack.environment import PROJECT
from dev.poses.figure import MOVEMENTS, Posture, landmarks
from dev.tools.bodies import (
    HEAD_M,
    Angle,
    Picture,
    Point,
    angle_of,
    extent,
    joined,
    number,
    placed,
    points_of,
    with_middles,
)

MOVESPECS = PROJECT / "examples" / "movespecs"
STEP_MS = 100.0
# A hold is seen once it has lasted so long.
SEEN_MS = 2000.0
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


@dataclass(frozen=True)
class Posed:
    """The figure in a phase. `angles` are the engine's, by measure and side."""

    phase: str
    landmarks: Sequence[Landmark]
    angles: Mapping[tuple[Measure, Curve], float]

    def named(self) -> dict[str, Landmark]:
        return dict(zip(LANDMARK_NAMES, self.landmarks, strict=True))

    def side_of(self, criterion: Criterion) -> Curve:
        """The side on which a criterion is shown."""
        match criterion.side:
            case None:
                return PAIR
            case "both":
                return NEAR
            case "either":
                return min(BODY_SIDES, key=lambda side: self._missed(criterion, side))
            case "front" | "back":
                return self._lead(ahead=criterion.side == "front")
            case side:
                return side

    def degrees(self, criterion: Criterion, side: Curve) -> float | None:
        return self.angles.get((criterion.measure, side))

    def from_standing(self) -> float:
        """How far it is from standing upright, the metres of all landmarks."""
        standing = landmarks(Posture())
        pairs = zip(self.landmarks, standing, strict=True)
        return round(sum(math.dist(one[:3], other[:3]) for one, other in pairs), 3)

    def missed_by(self, criteria: Iterable[Criterion]) -> float:
        """By how many degrees it misses the bands, in sum."""
        return sum(self._missed(one, self.side_of(one)) for one in criteria)

    def _missed(self, criterion: Criterion, side: Curve) -> float:
        degrees = self.degrees(criterion, side)
        if degrees is None:
            return 180.0
        return max(criterion.minimum - degrees, degrees - criterion.maximum, 0.0)

    def _lead(self, *, ahead: bool) -> BodySide:
        named = self.named()
        pointing = sum(
            named[f"{side}_foot_index"].x - named[f"{side}_heel"].x for side in BODY_SIDES
        )

        def forward(side: BodySide) -> float:
            return named[f"{side}_ankle"].x * pointing

        return (max if ahead else min)(BODY_SIDES, key=forward)


@cache
def spec_of(slug: str) -> MoveSpec:
    return compile_movespec((MOVESPECS / f"{slug}.yaml").read_text(encoding="utf-8"))


@cache
def poses_of(slug: str) -> tuple[Posed, ...]:
    """The figure in each phase, in the order of the MoveSpec."""
    spec, movement = spec_of(slug), MOVEMENTS[slug]
    engine = Engine(spec)
    frames: list[Posed] = []
    stays: dict[str, list[int]] = {}
    inside = ""
    for step in range(int(movement.seconds_in_all(1) * 1000 / STEP_MS)):
        posture = movement.posture_at(step * STEP_MS / 1000, 1)
        pose = landmarks(posture, movement.turned)
        for event in engine.feed(PoseFrame(step * STEP_MS, pose)):
            if event.type == "shape_enter":
                inside = event.payload["shape_key"]
            elif event.type == "shape_exit":
                inside = ""
        frames.append(Posed(inside, pose, engine.angles()))
        if inside:
            stays.setdefault(inside, []).append(step)
        if spec.type == "hold" and len(stays.get(inside, ())) * STEP_MS >= SEEN_MS:
            break
    return tuple(
        _clearest(phase.criteria, [frames[step] for step in _first_run(stays[phase.name])])
        for phase in spec.phases
    )


def _first_run(steps: Sequence[int]) -> Sequence[int]:
    """Those up to the first gap."""
    end = next((at for at, one in enumerate(steps) if one - steps[0] != at), len(steps))
    return steps[:end]


def _clearest(criteria: Sequence[Criterion], stay: Sequence[Posed]) -> Posed:
    """That which misses the bands least, and of several the one in the middle."""
    missed = [round(posed.missed_by(criteria), 1) for posed in stay]
    least = [at for at, by in enumerate(missed) if by == min(missed)]
    return stay[least[len(least) // 2]]


@dataclass(frozen=True)
class Label:
    at: Point
    name: str
    band: str


def phase(slug: str, at: int) -> str:
    """The figure in a phase, its angles with their bands, and a label for each."""
    posed, criteria = poses_of(slug)[at], spec_of(slug).phases[at].criteria
    scale = min(_scale(one, (WIDE - 2 * LABELS, 300.0), MAX_SCALE) for one in poses_of(slug))
    high = _height(slug, scale)
    picture = Picture(WIDE, high, STYLE)
    points = placed(posed.landmarks, scale, (WIDE / 2, high - MARGIN))
    ground = points["left_wrist"][1] if _has_hands_up(slug) else high - MARGIN + 7
    picture.path("floor", f"M{number(LABELS / 2)} {number(ground)}H{number(WIDE - LABELS / 2)}")
    angles = []
    for one in criteria:
        side = posed.side_of(one)
        angles.append(angle_of(points, one.measure, NEAR if side == PAIR else side))
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
    picture.body(placed(posed.landmarks, scale, (SMALL_WIDE / 2, SMALL_HIGH - 10)), scale)
    return picture.whole()


def _height(slug: str, scale: float) -> int:
    """That of the pictures of a movement's phases, with room for the labels."""
    bodies = (extent(points_of(posed.landmarks, scale, (0.0, 0.0))) for posed in poses_of(slug))
    highest = max(bottom - top for _, _, top, bottom in bodies) + HEAD_M * scale
    most = max(len(one.criteria) for one in spec_of(slug).phases)
    return round(max(highest, LABEL_HIGH * ((most + 1) // 2)) + 2 * MARGIN)


def _has_hands_up(slug: str) -> bool:
    """Whether its hands are above its head in every phase: then a bar is drawn, and no ground."""
    return all(posed.landmarks[15].y < posed.landmarks[0].y for posed in poses_of(slug))


def _scale(posed: Posed, room: Point, most: float) -> float:
    """The pixels of a metre with which the body, with its head, has room."""
    left, right, top, bottom = extent(points_of(posed.landmarks, 1.0, (0.0, 0.0)))
    return min(most, room[0] / (right - left), room[1] / (bottom - top + HEAD_M))


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
            _place(picture, label, (x, y), is_left=is_left)


def _place(picture: Picture, label: Label, at: Point, *, is_left: bool) -> None:
    """Two lines beside the picture's edge, with a line to the angle that they name."""
    anchor = "start" if is_left else "end"
    edge = at[0] + (LABELS - 14 if is_left else 14 - LABELS)
    picture.path(
        "lead",
        f"M{number(edge)} {number(at[1] - 5)}L{number(label.at[0])} {number(label.at[1])}",
    )
    picture.text("name", at, label.name, anchor)
    picture.text("band", (at[0], at[1] + 17), label.band, anchor)


def _spread(wanted: Sequence[float], lowest: float) -> list[float]:
    """Heights near those that are wanted, which rise, each a label's height from the next."""
    found: list[float] = []
    for at, height in enumerate(wanted):
        least = found[-1] + LABEL_HIGH if found else MARGIN
        most = lowest - LABEL_HIGH * (len(wanted) - 1 - at)
        found.append(min(max(height, least), most))
    return found


def camera(slug: str) -> str:
    """The body from above, the camera that filmed it, and yellow where the camera may be."""
    setup, turned = spec_of(slug).setup, MOVEMENTS[slug].turned
    picture = Picture(ABOVE_WIDE, ABOVE_HIGH, THIN)
    view = setup.view if setup else "any"
    middles, around = (VIEWS[view], ASKED) if view in VIEWS else ((turned,), SHOWN)
    for middle in middles:
        # The camera is below, so what is off its own place is turned from there.
        picture.path("wedge", _ring(90.0 + turned - middle, around))
    posed = poses_of(slug)[0]
    points = _from_above(posed)
    picture.body(points, ABOVE_SCALE)
    # The nose, and so where it looks.
    picture.add(f'<polyline class="trunk" points="{joined(points, ("head", "nose"))}"/>')
    x, y = MIDDLE[0], MIDDLE[1] + OUTER
    picture.path("lead", f"M{number(x)} {number(MIDDLE[1] + 50)}V{number(y)}")
    picture.path(
        "camera",
        f"M{number(x - 16)} {number(y + 2)}h32v20h-32zM{number(x - 7)} {number(y + 2)}l3 -7h8l3 7z",
    )
    picture.text("name", (x + 26, y + 17), "camera", "start")
    picture.text("band", (12, 24), "seen from above", "start")
    return picture.whole()


def _from_above(posed: Posed) -> dict[str, Point]:
    """The points of the body on the floor, the camera below it."""
    named = posed.named()
    xs, zs = [one.x for one in named.values()], [one.z for one in named.values()]
    middle_x, middle_z = (min(xs) + max(xs)) / 2, (min(zs) + max(zs)) / 2

    def placed(one: Landmark) -> Point:
        across, away = one.x - middle_x, one.z - middle_z
        return MIDDLE[0] + across * ABOVE_SCALE, MIDDLE[1] - away * ABOVE_SCALE

    return with_middles({name: placed(one) for name, one in named.items()})


def _ring(middle: float, around: float) -> str:
    """The part of a ring that is up to `around` degrees off its middle; 90 is below."""
    first, last = math.radians(middle - around), math.radians(middle + around)

    def on(way: float, radius: float) -> str:
        x, y = MIDDLE[0] + radius * math.cos(way), MIDDLE[1] + radius * math.sin(way)
        return f"{number(x)} {number(y)}"

    return (
        f"M{on(first, OUTER)}A{number(OUTER)} {number(OUTER)} 0 0 1 {on(last, OUTER)}"
        f"L{on(last, INNER)}A{number(INNER)} {number(INNER)} 0 0 0 {on(first, INNER)}Z"
    )
