"""The part `views`: the figure's exercises seen from everywhere, tall and short, at any rate."""

from dataclasses import replace
from typing import NamedTuple

from poses.figure import EXERCISES, LANDMARKER, Build, Camera, repeat
from poses.variants import DEPTH_EXCESS

from .engine_runs import Workers, catalogue, completions
from .tables import Cell, Table

REPETITIONS = 8
TURNS = tuple(range(0, 91, 15))
# Done with, but not the name of, a MoveSpec of the catalogue.
COUNTED_BY = {"sit-to-stand": "squat"}
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


def within_one_by_turn(workers: Workers) -> dict[str, dict[int, int]]:
    """For each movement in how many conditions the count is within one, by the figure's turn."""
    names = [name for name in catalogue() if name in EXERCISES]
    views = [
        View(name, condition, turned)
        for name in names
        for condition in CONDITIONS
        for turned in TURNS
    ]
    seen: dict[str, dict[int, int]] = {name: dict.fromkeys(TURNS, 0) for name in names}
    for view, count in zip(views, workers.each(count_view, views), strict=True):
        seen[view.exercise][view.turned] += abs(count - REPETITIONS) <= 1
    return seen


def tables(workers: Workers) -> list[Table]:
    counted_by = {name: COUNTED_BY.get(name, name) for name in EXERCISES}
    exercises = [name for name, spec in counted_by.items() if spec in catalogue()]
    views = [
        View(exercise, condition, turned)
        for exercise in exercises
        for condition in CONDITIONS
        for turned in TURNS
    ]
    counts = dict(zip(views, workers.each(count_view, views), strict=True))
    columns = tuple(f"{turned}°" for turned in TURNS)

    def row(exercise: str, condition: Condition) -> list[int]:
        return [counts[View(exercise, condition, turned)] for turned in TURNS]

    of_all: list[tuple[Cell, ...]] = [
        (exercise, condition.name, *row(exercise, condition))
        for exercise in exercises
        for condition in CONDITIONS
    ]
    within: list[tuple[Cell, ...]] = []
    for exercise in exercises:
        by_turn = zip(*(row(exercise, condition) for condition in CONDITIONS), strict=True)
        close = [sum(abs(count - REPETITIONS) <= 1 for count in turn) for turn in by_turn]
        within.append((exercise, *close))
    return [
        Table(
            key="counts",
            title=f"Counts of the figure's {REPETITIONS} repetitions, in every condition",
            columns=("exercise", "seen", *columns),
            rows=of_all,
            is_for_docs=False,
        ),
        Table(
            key="as_usual",
            title=f"Counts of the figure's {REPETITIONS} repetitions, by its turn to the camera"
            " (90°: from the front)",
            columns=("exercise", *columns),
            rows=[(row[0], *row[2:]) for row in of_all if row[1] == CONDITIONS[0].name],
        ),
        Table(
            key="within_one",
            title=f"In how many of {len(CONDITIONS)} conditions"
            f" ({', '.join(condition.name for condition in CONDITIONS)}) the count is within one",
            columns=("exercise", *columns),
            rows=within,
        ),
    ]


def count_view(view: View) -> int:
    """The repetitions that the MoveSpec of the exercise sees."""
    condition = view.condition
    frames = repeat(
        view.exercise,
        repetitions=REPETITIONS,
        camera=replace(condition.camera, turned=view.turned),
        reach=condition.reach,
        build=condition.build,
    )
    spec = catalogue()[COUNTED_BY.get(view.exercise, view.exercise)]
    return len(completions(spec, frames))
