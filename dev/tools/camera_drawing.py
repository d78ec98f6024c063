"""A movement and its camera, seen from above: where somebody may film it from."""

import math

from detection.engine.settings import EngineSettings
from dev.poses.figure import MOVEMENTS
from dev.tools.bodies import HEAD_M, Point, joined, lines, number
from dev.tools.movement_drawings import STYLE, Picture
from dev.tools.movement_poses import Posed, poses_of, spec_of

WIDE, HIGH = 380, 290
MIDDLE: Point = (190.0, 134.0)
SCALE, NEAR, FAR = 92.0, 92.0, 124.0
# Thinner than from the side, since limbs lie over each other.
THIN = STYLE.replace("stroke-width: 9", "stroke-width: 6")
# How far off the view the setup lets somebody stand; of one that it does not ask for, a little.
ASKED = math.degrees(math.atan(EngineSettings().setup.view_tangent))
SHOWN = 15.0
# Where a view lets the camera be, in degrees from the body's right side towards its front.
VIEWS = {"side": (0.0, 180.0), "front": (90.0, 270.0)}


def camera(slug: str) -> str:
    """The body from above, the camera that filmed it, and yellow where the camera may be."""
    setup, turned = spec_of(slug).setup, MOVEMENTS[slug].turned
    picture = Picture(WIDE, HIGH, THIN)
    view = setup.view if setup else "any"
    middles, around = (VIEWS[view], ASKED) if view in VIEWS else ((turned,), SHOWN)
    for middle in middles:
        # The camera is below, so what is off its own place is turned from there.
        picture.path("wedge", _ring(90.0 + turned - middle, around))
    posed = poses_of(slug)[0]
    points = _from_above(posed)
    for name, of in lines():
        picture.parts.append(f'<polyline class="{name}" points="{joined(points, of)}"/>')
    x, y = points["head"]
    picture.parts.append(
        f'<circle class="head" cx="{number(x)}" cy="{number(y)}" r="{number(HEAD_M * SCALE)}"/>'
    )
    # The nose, and so where it looks.
    picture.parts.append(f'<polyline class="trunk" points="{joined(points, ("head", "nose"))}"/>')
    x, y = MIDDLE[0], MIDDLE[1] + FAR
    picture.path("lead", f"M{number(x)} {number(MIDDLE[1] + 50)}V{number(y)}")
    picture.path(
        "camera",
        f"M{number(x - 16)} {number(y + 2)}h32v20h-32zM{number(x - 7)} {number(y + 2)}l3 -7h8l3 7z",
    )
    picture.text("name", (x + 26, y + 17), "start", "camera")
    picture.text("band", (12, 24), "start", "seen from above")
    return picture.whole()


def _from_above(posed: Posed) -> dict[str, Point]:
    """The points of the body on the floor, the camera below it."""
    named = posed.named()
    middle_x = (min(one.x for one in named.values()) + max(one.x for one in named.values())) / 2
    middle_z = (min(one.z for one in named.values()) + max(one.z for one in named.values())) / 2
    points = {
        name: (MIDDLE[0] + (one.x - middle_x) * SCALE, MIDDLE[1] - (one.z - middle_z) * SCALE)
        for name, one in named.items()
    }
    for name, of in (("head", "ear"), ("neck", "shoulder"), ("pelvis", "hip")):
        (ax, ay), (bx, by) = points[f"left_{of}"], points[f"right_{of}"]
        points[name] = (ax + bx) / 2, (ay + by) / 2
    return points


def _ring(middle: float, around: float) -> str:
    """The part of a ring that is up to `around` degrees off its middle; 90 is below."""
    first, last = math.radians(middle - around), math.radians(middle + around)

    def on(way: float, radius: float) -> str:
        x, y = MIDDLE[0] + radius * math.cos(way), MIDDLE[1] + radius * math.sin(way)
        return f"{number(x)} {number(y)}"

    return (
        f"M{on(first, FAR)}A{number(FAR)} {number(FAR)} 0 0 1 {on(last, FAR)}"
        f"L{on(last, NEAR)}A{number(NEAR)} {number(NEAR)} 0 0 0 {on(first, NEAR)}Z"
    )
