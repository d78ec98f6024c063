"""The part `views`: the figure's exercises seen from everywhere, tall and short, at any rate."""

from dataclasses import replace
from typing import NamedTuple

from detection import PoseFrame
from dev.poses.figure import EXERCISES, LANDMARKER, MOVEMENTS, Build, Camera, Variant, perform
from dev.poses.variants import DEPTH_EXCESS

from .engine_runs import Run, Workers, catalogue
from .tables import Table

REPETITIONS = 8
TURNS = tuple(range(0, 91, 15))


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
    Condition("tall", build=Build().scaled(1.15, limbs=1.1)),
    Condition("short", build=Build().scaled(0.8, limbs=0.9)),
    Condition("10 frames/s", replace(LANDMARKER, fps=10.0)),
    Condition("15 frames/s", replace(LANDMARKER, fps=15.0)),
    Condition("60 frames/s", replace(LANDMARKER, fps=60.0)),
    Condition("0.7 of the way", reach=0.7),
)


class View(NamedTuple):
    """The figure doing an exercise. A hold is done once, as long as it lasts."""

    exercise: str
    condition: Condition
    turned: int

    def frames(self) -> list[PoseFrame]:
        _, camera, reach, build = self.condition
        camera = replace(camera, turned=self.turned)
        if is_hold(self.exercise):
            movement = MOVEMENTS[self.exercise].varied(Variant(name="performed", shallow=reach))
            return movement.film(repetitions=1, camera=camera, build=build)
        return perform(
            self.exercise, repetitions=REPETITIONS, camera=camera, reach=reach, build=build
        )


def is_hold(exercise: str) -> bool:
    return catalogue()[exercise].type == "hold"


def counts(workers: Workers) -> dict[View, int]:
    views = [
        View(exercise, condition, turned)
        for exercise in EXERCISES
        if exercise in catalogue()
        for condition in CONDITIONS
        for turned in TURNS
    ]
    counted = workers.count(Run(view, catalogue()[view.exercise]) for view in views)
    return dict(zip(views, map(len, counted), strict=True))


def right_by_turn(counted: dict[View, int]) -> dict[str, dict[int, int]]:
    """For each movement in how many conditions the count is right, by the figure's turn.

    A hold is there or not; repetitions may be off by one.
    """
    right = {view.exercise: dict.fromkeys(TURNS, 0) for view in counted}
    for view, count in counted.items():
        is_right = count == 1 if is_hold(view.exercise) else abs(count - REPETITIONS) <= 1
        right[view.exercise][view.turned] += is_right
    return right


def tables(workers: Workers) -> list[Table]:
    counted = counts(workers)
    right = right_by_turn(counted)
    columns = ("exercise", *(f"{turned}°" for turned in TURNS))
    names = ", ".join(condition.name for condition in CONDITIONS)
    return [
        Table(
            f"Counts of the figure's {REPETITIONS} repetitions, or of its one hold, by its turn to"
            " the camera (90°: from the front)",
            columns,
            [
                (exercise, *(counted[View(exercise, CONDITIONS[0], turned)] for turned in TURNS))
                for exercise in right
            ],
        ),
        Table(
            f"In how many of {len(CONDITIONS)} conditions ({names}) the count is within one, and a"
            " hold's right",
            columns,
            [(exercise, *of.values()) for exercise, of in right.items()],
        ),
    ]
