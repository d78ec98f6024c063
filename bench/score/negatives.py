"""The part `negatives`: the catalogue over everything that is not its own exercise."""

from collections import defaultdict
from dataclasses import replace
from typing import NamedTuple

from poses.figure import ACTIVITIES, LANDMARKER, MOVEMENTS, Camera, act, hold

from .engine_runs import Run, Workers, catalogue, completions
from .tables import Cell, Table

SECONDS = 60.0
STILL_SECONDS = 15.0
STILL = "still"
STILL_POSTURES = {
    f"{name} {end}": posture
    for name, movement in MOVEMENTS.items()
    for end, posture in (("rest", movement.rest), ("peak", movement.peak))
}
TURNS = (0.0, 45.0, 90.0)
SEEDS = (1, 2)


class Scene(NamedTuple):
    """An activity of the figure before a camera, and the side from which it is seen."""

    activity: str
    turned: float
    seed: int
    posture: str = ""

    def camera(self) -> Camera:
        return replace(LANDMARKER, turned=self.turned, seed=self.seed)


def tables(workers: Workers) -> list[Table]:
    return [over_recordings(workers), over_activities(workers)]


def over_recordings(workers: Workers) -> Table:
    specs = catalogue()
    completed = workers.count(
        Run(sample.name, spec)
        for exercise, spec in specs.items()
        for sample in workers.samples
        if sample.exercise != exercise
    )
    performed = sorted({sample.exercise for sample in workers.samples})
    rows: list[tuple[Cell, ...]] = []
    for exercise, spec in specs.items():
        false: dict[str, int] = defaultdict(int)
        minutes: dict[str, float] = defaultdict(float)
        for sample in workers.samples:
            if sample.exercise != exercise:
                false[sample.exercise] += len(completed[Run(sample.name, spec)])
                minutes[sample.exercise] += sample.seconds / 60
        of_each = [false[name] / minutes[name] if minutes[name] else None for name in performed]
        total = sum(minutes.values())
        rows.append((exercise, *of_each, sum(false.values()) / total if total else None))
    return Table(
        key="over_recordings",
        title="False repetitions a minute over recordings of other exercises",
        columns=("MoveSpec", *performed, "all"),
        rows=rows,
    )


def over_activities(workers: Workers) -> Table:
    scenes = [
        Scene(activity, turned, seed)
        for activity in ACTIVITIES
        for turned in TURNS
        for seed in SEEDS
    ]
    scenes += [Scene(STILL, turned, 1, posture) for posture in STILL_POSTURES for turned in TURNS]
    false: dict[tuple[str, str], int] = defaultdict(int)
    minutes: dict[str, float] = defaultdict(float)
    for scene, counted in zip(scenes, workers.each(count_scene, scenes), strict=True):
        minutes[scene.activity] += _seconds(scene) / 60
        for exercise, count in counted.items():
            false[exercise, scene.activity] += count
    return Table(
        key="over_activities",
        title="False repetitions a minute of a figure that does no exercise",
        columns=("MoveSpec", *minutes),
        rows=[
            (exercise, *(false[exercise, activity] / minutes[activity] for activity in minutes))
            for exercise in catalogue()
        ],
    )


def count_scene(scene: Scene) -> dict[str, int]:
    """The repetitions that each MoveSpec of the catalogue sees in it."""
    if scene.activity == STILL:
        posture = STILL_POSTURES[scene.posture]
        frames = hold(posture, seconds=STILL_SECONDS, camera=scene.camera())
    else:
        frames = act(scene.activity, seconds=SECONDS, camera=scene.camera())
    return {exercise: len(completions(spec, frames)) for exercise, spec in catalogue().items()}


def _seconds(scene: Scene) -> float:
    return STILL_SECONDS if scene.activity == STILL else SECONDS
