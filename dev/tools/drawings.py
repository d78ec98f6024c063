"""`python -m dev.tools.drawings`: what the pages show of the figure, drawn from dev/poses/.

The first page's squats with the events that the engine tells of them, the pictures of the course,
and those of the catalogue's pages. A test compares them with what is committed.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import msgspec

from detection import Engine
from dev.local_stack.console import say
from dev.local_stack.environment import PROJECT
from dev.poses.figure import EXERCISES, perform
from dev.tools import course, course_drawings, movement_drawings
from dev.tools.bodies import HEAD_M, LINES, joined, number, points_of
from dev.tools.course_drawings import PICTURES

SQUATS = PROJECT / "guides" / "static" / "guides" / "squat.json"
STILL = PROJECT / "templates" / "guides" / "figure.svg"
OF_MOVEMENTS = PROJECT / "docs" / "movements"
REPETITIONS, FPS, EVERY = 5, 30, 3
WIDTH, HEIGHT, SCALE = 290, 396, 200.0
GROUND = (88.0, 380.0)
# The bottom of the third squat, for those who want no motion, and before the script runs.
STILL_FRAME = 72
POINTS = tuple(dict.fromkeys(name for _, names in LINES for name in names))
KNEE = ("right_hip", "right_knee", "right_ankle")


def squats() -> str:
    """The loop of the first page: points and angle a tenth of a second, and every event."""
    engine = Engine(movement_drawings.spec_of("squat"))
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
    for name, of in LINES:
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


def of_movements() -> Iterator[tuple[Path, Callable[[], str]]]:
    for slug in (
        one for one in EXERCISES if (movement_drawings.MOVESPECS / f"{one}.yaml").exists()
    ):
        folder = OF_MOVEMENTS / slug
        for at, _ in enumerate(movement_drawings.spec_of(slug).phases):
            yield folder / f"phase-{at + 1}.svg", partial(movement_drawings.phase, slug, at)
        yield folder / "camera.svg", partial(movement_drawings.camera, slug)
        yield folder / "figure.svg", partial(movement_drawings.small, slug)


DRAWINGS: dict[Path, Callable[[], str]] = {
    SQUATS: squats,
    STILL: still,
    **{course.FOLDER / f"{name}.svg": partial(course_drawings.draw, name) for name in PICTURES},
    **dict(of_movements()),
}


def outdated() -> Iterator[str]:
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
