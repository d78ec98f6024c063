"""`python -m dev.tools.drawings`: what the pages show of the figure, drawn from dev/poses/.

The first page's squats with the events that the engine tells of them, the pictures of angles in the
guide of the language, and those of the catalogue's pages. A test compares them with what is
committed.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import msgspec

from detection import Engine
from detection import compile as compile_movespec
from dev.local_stack.console import say
from dev.local_stack.environment import PROJECT
from dev.poses.figure import EXERCISES, MOVEMENTS, Posture, landmarks, perform
from dev.tools import course, course_drawings, movement_drawings
from dev.tools.bodies import HEAD_M, Angle, Picture, Point, joined, lines, number, points_of
from dev.tools.course_drawings import PICTURES

SQUATS = PROJECT / "guides" / "static" / "guides" / "squat.json"
STILL = PROJECT / "templates" / "guides" / "figure.svg"
JOINTS = PROJECT / "docs" / "joints.svg"
LEANS = PROJECT / "docs" / "leans.svg"
OF_MOVEMENTS = PROJECT / "docs" / "movements"
CATALOGUE = PROJECT / "examples" / "movespecs"
REPETITIONS, FPS, EVERY = 5, 30, 3
WIDTH, HEIGHT, SCALE = 290, 396, 200.0
GROUND = (88.0, 380.0)
# The bottom of the third squat, for those who want no motion, and before the script runs.
STILL_FRAME = 72
POINTS = tuple(dict.fromkeys(name for _, names in lines() for name in names))
KNEE = ("right_hip", "right_knee", "right_ankle")


def squats() -> str:
    """The loop of the first page: points and angle a tenth of a second, and every event."""
    spec = (PROJECT / "examples" / "movespecs" / "squat.yaml").read_text(encoding="utf-8")
    engine = Engine(compile_movespec(spec))
    frames, knees, events = [], [], []
    for at, pose in enumerate(perform("squat", repetitions=REPETITIONS, fps=FPS, noise_m=0)):
        events += [
            {"ts_ms": round(one.ts_ms), "type": one.type, "payload": one.payload}
            for one in engine.feed(pose)
        ]
        if at % EVERY == 0:
            points = points_of(pose.landmarks, SCALE, GROUND)
            frames.append([round(part) for name in POINTS for part in points[name]])
            knees.append(round(engine.angles()["knee", "pair"]))
    parts = [
        f'"step_ms": {1000 * EVERY // FPS}',
        f'"still": {STILL_FRAME}',
        f'"knee": {_json(knees)}',
        f'"events": {_rows(events)}',
        f'"frames": {_rows(frames)}',
    ]
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _rows(values: Sequence[object]) -> str:
    return "[\n" + ",\n".join(map(_json, values)) + "\n]"


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def still() -> str:
    """The figure of the first page, as it is before its script moves it."""
    pose = perform("squat", repetitions=REPETITIONS, fps=FPS, noise_m=0)[STILL_FRAME * EVERY]
    points = points_of(pose.landmarks, SCALE, GROUND)
    drawn = [
        f'<svg class="body" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        'aria-label="A figure that squats">',
        f'<path class="floor" d="M8 {number(GROUND[1] + 6)}H{WIDTH - 8}"/>',
    ]
    for name, of in lines():
        indexes = " ".join(str(POINTS.index(one)) for one in of)
        drawn.append(
            f'<polyline class="{name}" data-points="{indexes}" points="{joined(points, of)}"/>'
        )
    drawn.append(
        f'<circle class="head" data-point="{POINTS.index("head")}" r="{number(HEAD_M * SCALE)}" '
        f'cx="{number(points["head"][0])}" cy="{number(points["head"][1])}"/>'
    )
    for name in KNEE:
        x, y = points[name]
        drawn.append(
            f'<circle class="joint" data-point="{POINTS.index(name)}" r="5" '
            f'cx="{number(x)}" cy="{number(y)}"/>'
        )
    drawn.append("</svg>\n")
    return "\n".join(drawn)


# A picture does not know its page's colours: it turns dark with the reader's browser.
STYLE = """<style>
svg { font: 15px system-ui, "Segoe UI", Roboto, "Liberation Sans", sans-serif; }
.paper { fill: #ffffff; } .near, .trunk { stroke: #12403f; } .far { stroke: #9fb5b3; }
.head { fill: #12403f; } .arc { stroke: #0b7a75; } .wedge { fill: #ffd166; fill-opacity: 0.55; }
.name { fill: #0a655f; font-weight: 600; } .title { fill: #526060; }
@media (prefers-color-scheme: dark) {
  .paper { fill: #0f1716; } .near, .trunk { stroke: #d9f2ef; } .far { stroke: #3f7672; }
  .head { fill: #d9f2ef; } .arc { stroke: #7fdcd4; }
  .name { fill: #7fdcd4; } .title { fill: #a3b4b2; }
}
polyline { fill: none; stroke-width: 9; stroke-linecap: round; stroke-linejoin: round; }
.arc { fill: none; stroke-width: 2.5; }
</style>"""
BODY_SCALE, PANEL, HIGH = 150.0, 280, 330
LEAN_RADIUS = 38.0


class Row:
    """A row of bodies, each with the angles that it shows."""

    def __init__(self, panels: int) -> None:
        self.picture = Picture(PANEL * panels, HIGH, STYLE)

    def body(
        self, panel: int, posture: Posture, turned: float, title: str, aside: float = 0.0
    ) -> dict[str, Point]:
        middle = PANEL * panel + PANEL / 2
        points = points_of(landmarks(posture, turned), BODY_SCALE, (middle + aside, HIGH - 44.0))
        self.picture.body(points, BODY_SCALE)
        self.picture.text("title", (middle, HIGH - 14), title)
        return points

    def joint(
        self, points: dict[str, Point], name: str, of: str, label: Point, radius: float = 24
    ) -> None:
        """The angle at the middle one of three landmarks, its name and degrees at `label`."""
        one, at, other = (points[f"right_{part}"] for part in of.split())
        self._angle(name, Angle(at, one, other), label, radius)

    def lean(self, name: str, lower: Point, upper: Point, label: Point) -> None:
        """The angle of a segment against the vertical."""
        x, y = lower
        end = x, y - LEAN_RADIUS - 24
        drawn = f"M{number(x)} {number(y)}V{number(end[1])}"
        self.picture.path("arc", drawn, ' stroke-dasharray="4 4"')
        self._angle(name, Angle(lower, end, upper), label, LEAN_RADIUS)

    def _angle(self, name: str, angle: Angle, label: Point, radius: float) -> None:
        self.picture.angle(angle, radius)
        at = angle.at[0] + label[0], angle.at[1] + label[1]
        anchor = "start" if label[0] >= 0 else "end"
        self.picture.text("name", at, f"{name} {angle.degrees:.0f}°", anchor)


def joints() -> str:
    row = Row(3)
    squat = row.body(0, MOVEMENTS["squat"].peak, 0, "bottom of a squat", -10)
    row.joint(squat, "knee", "hip knee ankle", (30, 6))
    row.joint(squat, "hip", "shoulder hip knee", (-22, -20))
    row.joint(squat, "ankle", "knee ankle foot_index", (30, -16))
    curl = row.body(1, MOVEMENTS["biceps-curl"].peak, 0, "top of a curl", -30)
    row.joint(curl, "elbow", "shoulder elbow wrist", (26, 22))
    row.joint(curl, "knee", "hip knee ankle", (18, 4))
    raised = row.body(2, MOVEMENTS["lateral-raise"].peak, 90, "top of a lateral raise", 10)
    row.joint(raised, "shoulder", "hip shoulder elbow", (-24, 40))
    row.joint(raised, "elbow", "shoulder elbow wrist", (-6, -16), radius=14)
    return row.picture.whole()


def leans() -> str:
    row = Row(2)
    squat = row.body(0, MOVEMENTS["squat"].peak, 0, "bottom of a squat", -10)
    row.lean("trunk", squat["pelvis"], squat["neck"], (-14, -62))
    row.lean("thigh", squat["right_knee"], squat["right_hip"], (14, -14))
    row.lean("shank", squat["right_ankle"], squat["right_knee"], (36, -20))
    raise_ = row.body(1, MOVEMENTS["front-raise"].peak, 0, "top of a front raise", -50)
    row.lean("upper_arm", raise_["right_elbow"], raise_["right_shoulder"], (12, -34))
    row.lean("trunk", raise_["pelvis"], raise_["neck"], (-16, -30))
    return row.picture.whole()


def of_movements() -> Iterator[tuple[Path, Callable[[], str]]]:
    """The files of each movement of the catalogue, each with what draws it."""
    for slug in (one for one in EXERCISES if (CATALOGUE / f"{one}.yaml").exists()):
        folder = OF_MOVEMENTS / slug
        for at, _ in enumerate(movement_drawings.spec_of(slug).phases):
            yield folder / f"phase-{at + 1}.svg", partial(movement_drawings.phase, slug, at)
        yield folder / "camera.svg", partial(movement_drawings.camera, slug)
        yield folder / "figure.svg", partial(movement_drawings.small, slug)


DRAWINGS: dict[Path, Callable[[], str]] = {
    SQUATS: squats,
    STILL: still,
    JOINTS: joints,
    LEANS: leans,
    **{course.FOLDER / f"{name}.svg": partial(course_drawings.draw, name) for name in PICTURES},
    **dict(of_movements()),
}


def outdated() -> Iterator[str]:
    """The drawings that are not what the code draws."""
    for path, draw in DRAWINGS.items():
        if not path.exists() or path.read_text(encoding="utf-8") != draw():
            yield path.relative_to(PROJECT).as_posix()


def main() -> int:
    for path, draw in DRAWINGS.items():
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_text(draw(), encoding="utf-8")
        say(f"drawings | {path.relative_to(PROJECT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
