"""The part `views`: the figure's exercises seen from everywhere, tall and short, at any rate."""

from dataclasses import replace
from typing import NamedTuple

from dev.poses.figure import EXERCISES, LANDMARKER, MOVEMENTS, Build, Camera, Variant, repeat
from dev.poses.variants import DEPTH_EXCESS

from .engine_runs import Workers, catalogue, completions
from .tables import Cell, Table

REPETITIONS = 8
TURNS = tuple(range(0, 91, 15))
TALL = Build().scaled(1.15, limbs=1.1)
SHORT = Build().scaled(0.8, limbs=0.9)


class Condition(NamedTuple):
    name: str
    camera: Camera = LANDMARKER
    reach: float = 1.0
    build: Build = Build()


CONDITIONS = (
    Condition("as usual"),
    Condition("true z", replace(LANDMARKER, z_scale=1.0)),
    # As in the recordings of people, going by the shoulders of those filmed from the side.
    Condition("z too long", replace(LANDMARKER, z_scale=DEPTH_EXCESS)),
    # Limbs that lie flat in the image have 12 to 30 cm of z in the recordings.
    Condition("z off by 10 cm", replace(LANDMARKER, z_scale=1.0, z_bias_m=0.1)),
    Condition("tall", build=TALL),
    Condition("short", build=SHORT),
    Condition("10 frames/s", replace(LANDMARKER, fps=10.0)),
    Condition("15 frames/s", replace(LANDMARKER, fps=15.0)),
    Condition("60 frames/s", replace(LANDMARKER, fps=60.0)),
    Condition("0.7 of the way", reach=0.7),
)


class View(NamedTuple):
    exercise: str
    condition: Condition
    turned: int


def is_hold(exercise: str) -> bool:
    return catalogue()[exercise].type == "hold"


def is_right(exercise: str, count: int) -> bool:
    """A hold is there or not; repetitions may be off by one."""
    return count == 1 if is_hold(exercise) else abs(count - REPETITIONS) <= 1


def _views() -> list[View]:
    return [
        View(exercise, condition, turned)
        for exercise in EXERCISES
        if exercise in catalogue()
        for condition in CONDITIONS
        for turned in TURNS
    ]


def right_by_turn(workers: Workers) -> dict[str, dict[int, int]]:
    """For each movement in how many conditions the count is right, by the figure's turn."""
    views = _views()
    seen = {view.exercise: dict.fromkeys(TURNS, 0) for view in views}
    for view, count in zip(views, workers.each(count_view, views), strict=True):
        seen[view.exercise][view.turned] += is_right(view.exercise, count)
    return seen


def tables(workers: Workers) -> list[Table]:
    views = _views()
    exercises = list(dict.fromkeys(view.exercise for view in views))
    counts = dict(zip(views, workers.each(count_view, views), strict=True))
    columns = tuple(f"{turned}°" for turned in TURNS)

    def row(exercise: str, condition: Condition) -> list[int]:
        return [counts[View(exercise, condition, turned)] for turned in TURNS]

    of_all: list[tuple[Cell, ...]] = [
        (exercise, condition.name, *row(exercise, condition))
        for exercise in exercises
        for condition in CONDITIONS
    ]
    right: list[tuple[Cell, ...]] = []
    for exercise in exercises:
        by_turn = zip(*(row(exercise, condition) for condition in CONDITIONS), strict=True)
        right.append(
            (exercise, *(sum(is_right(exercise, count) for count in turn) for turn in by_turn))
        )
    return [
        Table(
            key="counts",
            title=f"Counts of the figure's {REPETITIONS} repetitions, or of a hold, in every"
            " condition",
            columns=("exercise", "seen", *columns),
            rows=of_all,
            is_for_docs=False,
        ),
        Table(
            key="as_usual",
            title=f"Counts of the figure's {REPETITIONS} repetitions, or of its one hold, by its"
            " turn to the camera (90°: from the front)",
            columns=("exercise", *columns),
            rows=[(row[0], *row[2:]) for row in of_all if row[1] == CONDITIONS[0].name],
        ),
        Table(
            key="within_one",
            title=f"In how many of {len(CONDITIONS)} conditions"
            f" ({', '.join(condition.name for condition in CONDITIONS)}) the count is within one,"
            " and a hold's right",
            columns=("exercise", *columns),
            rows=right,
        ),
    ]


def count_view(view: View) -> int:
    """The repetitions or holds that the MoveSpec of the exercise sees. A hold is done once, as long
    as it lasts."""
    condition = view.condition
    camera = replace(condition.camera, turned=view.turned)
    if is_hold(view.exercise):
        done = Variant(name="performed", shallow=condition.reach)
        movement = MOVEMENTS[view.exercise].varied(done)
        frames = movement.film(repetitions=1, camera=camera, build=condition.build)
    else:
        frames = repeat(
            view.exercise,
            repetitions=REPETITIONS,
            camera=camera,
            reach=condition.reach,
            build=condition.build,
        )
    return len(completions(catalogue()[view.exercise], frames))
