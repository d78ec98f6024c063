"""The part `negatives`: the catalogue over everything that is not its own exercise."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from detection import MoveSpec, PoseFrame
from dev.poses.figure import ACTIVITIES, LANDMARKER, MOVEMENTS, Camera, act, hold

from .engine_runs import Run, Workers, catalogue, completions
from .matches import END_TOLERANCE
from .samples import Sample, Span
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
# Twelve minutes of each activity.
SEEDS = (1, 2, 3, 4)
# What somebody does around a set. Getting up from a chair is what these count.
RESTS = ("resting", "walking", "getting up and down", "drinking", "setting up")
EXEMPT = (
    "getting up and down",
    ("alternating-lunges", "lunge", "sit-to-stand", "sit-to-stand-30-s", "squat"),
)


class Scene(NamedTuple):
    """An activity of the figure before a camera, and the side from which it is seen."""

    activity: str
    turned: float
    seed: int
    posture: str = ""

    def camera(self) -> Camera:
        return replace(LANDMARKER, turned=self.turned, seed=self.seed)

    def frames(self) -> list[PoseFrame]:
        if self.activity == STILL:
            posture = STILL_POSTURES[self.posture]
            return hold(posture, seconds=STILL_SECONDS, camera=self.camera())
        return act(self.activity, seconds=SECONDS, camera=self.camera())


def tables(workers: Workers) -> list[Table]:
    return [over_recordings(workers), over_unmarked(workers), over_activities(workers)]


def false_a_minute(workers: Workers, specs: Sequence[tuple[str, MoveSpec]]) -> list[float]:
    """The false repetitions a minute of each (exercise, MoveSpec) over RESTS, without what the
    exercise is exempt from."""
    scenes = [
        Scene(activity, turned, seed) for activity in RESTS for turned in TURNS for seed in SEEDS
    ]
    counted = workers.each(count_each, [(scene, [spec for _, spec in specs]) for scene in scenes])
    rates = []
    for number, (exercise, _) in enumerate(specs):
        of = [
            counts[number]
            for scene, counts in zip(scenes, counted, strict=True)
            if not (scene.activity == EXEMPT[0] and exercise in EXEMPT[1])
        ]
        rates.append(sum(of) / (len(of) * SECONDS / 60))
    return rates


def count_each(job: tuple[Scene, list[MoveSpec]]) -> list[int]:
    """The repetitions that each MoveSpec sees in a scene."""
    scene, specs = job
    frames = scene.frames()
    return [len(completions(spec, frames)) for spec in specs]


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


def over_unmarked(workers: Workers) -> Table:
    """Where a human marked nothing: before, between and after the repetitions."""
    marked = [one for one in workers.samples if one.repetitions and not one.is_bad]
    stretches = {one.name: unmarked(one) for one in marked}
    minutes = sum(end - start for of in stretches.values() for start, end in of) / 60_000
    specs = catalogue()
    completed = workers.count(Run(one.name, spec) for spec in specs.values() for one in marked)
    rows: list[tuple[Cell, ...]] = []
    for exercise, spec in specs.items():
        false = {
            one.name: sum(
                start < ms < end
                for ms in completed[Run(one.name, spec)]
                for start, end in stretches[one.name]
            )
            for one in marked
        }
        own = sum(false[one.name] for one in marked if one.exercise == exercise)
        rows.append((exercise, minutes, own, sum(false.values()) - own))
    return Table(
        key="over_unmarked",
        title="Repetitions in the unmarked stretches of recordings",
        columns=("MoveSpec", "minutes", "of its own exercise", "of others"),
        rows=rows,
    )


def unmarked(sample: Sample) -> list[Span]:
    """The stretches to which no marked repetition's completion can belong, in milliseconds."""
    if not sample.repetitions:
        return []
    stretches = []
    since = sample.frames[0].timestamp_ms
    for start, end in sample.repetitions:
        if start > since:
            stretches.append((since, start))
        since = max(since, end + END_TOLERANCE * (end - start))
    return [*stretches, (since, max(since, sample.frames[-1].timestamp_ms))]


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
    frames = scene.frames()
    return {exercise: len(completions(spec, frames)) for exercise, spec in catalogue().items()}


def _seconds(scene: Scene) -> float:
    return STILL_SECONDS if scene.activity == STILL else SECONDS
