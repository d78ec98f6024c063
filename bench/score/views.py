"""The part `views`: the figure's exercises seen from everywhere, tall and short, at any rate."""

from typing import NamedTuple

from poses.figure import EXERCISES, Build, perform

from .counting import Workers, catalogue, completions
from .tables import Cell, Table

REPETITIONS = 8
TURNS = tuple(range(0, 91, 15))
# Done with, but not the name of, a MoveSpec of the catalogue.
COUNTED_BY = {"sit-to-stand": "squat"}
TALL = Build().scaled(1.15, limbs=1.1)
SHORT = Build().scaled(0.8, limbs=0.9)


class Condition(NamedTuple):
    """`z_scale` 0.5 is a landmarker's, which makes a body flat; that of the recordings of people
    is 2.2 times too long."""

    name: str
    fps: float = 30.0
    z_scale: float = 0.5
    reach: float = 1.0
    build: Build = Build()


CONDITIONS = (
    Condition("z flattened"),
    Condition("z true", z_scale=1.0),
    Condition("z too long", z_scale=2.2),
    Condition("tall", build=TALL),
    Condition("short", build=SHORT),
    Condition("10 frames/s", fps=10.0),
    Condition("15 frames/s", fps=15.0),
    Condition("60 frames/s", fps=60.0),
    Condition("0.7 of the way", reach=0.7),
)


class View(NamedTuple):
    exercise: str
    condition: Condition
    turned: int


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
    of_all: list[tuple[Cell, ...]] = [
        (
            exercise,
            condition.name,
            *(counts[View(exercise, condition, turned)] for turned in TURNS),
        )
        for exercise in exercises
        for condition in CONDITIONS
    ]
    within: list[tuple[Cell, ...]] = [
        (
            exercise,
            *(
                sum(
                    abs(counts[View(exercise, condition, turned)] - REPETITIONS) <= 1
                    for condition in CONDITIONS
                )
                for turned in TURNS
            ),
        )
        for exercise in exercises
    ]
    return [
        Table(
            key="counts",
            title=f"Counts of the figure's {REPETITIONS} repetitions, by its turn to the camera",
            columns=("exercise", "seen", *columns),
            rows=of_all,
            is_for_docs=False,
        ),
        Table(
            key="flattened",
            title=f"Counts of the figure's {REPETITIONS} repetitions, z flattened and noisy, by its"
            " turn to the camera (90°: from the front)",
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
    """How many repetitions the MoveSpec of the exercise sees."""
    condition = view.condition
    frames = perform(
        view.exercise,
        repetitions=REPETITIONS,
        fps=condition.fps,
        turned=view.turned,
        reach=condition.reach,
        build=condition.build,
        z_scale=condition.z_scale,
        noise_m=0.005,
        z_noise=4.0,
    )
    spec = catalogue()[COUNTED_BY.get(view.exercise, view.exercise)]
    return len(completions(spec, frames))
