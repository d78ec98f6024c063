"""The parts `negatives`, the catalogue over everything that is not its own exercise, and `gates`,
what each gate costs and saves.

A gate is a criterion that every phase has alike. It stays only where it costs no recording of its
exercise.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from typing import Final, NamedTuple

from detection import Criterion, MoveSpec, PoseFrame
from dev.poses.figure import ACTIVITIES, LANDMARKER, MOVEMENTS, act, hold

from .engine_runs import Recorded, Run, Workers, catalogue
from .matches import END_TOLERANCE
from .samples import DATASETS, Sample, Span
from .tables import Row, Table, share

SECONDS, STILL_SECONDS = 60.0, 15.0
STILL: Final = "still"
STILL_POSTURES: Final = {
    f"{name} {end}": posture
    for name, movement in MOVEMENTS.items()
    for end, posture in (("rest", movement.rest), ("peak", movement.peak))
}
TURNS: Final = (0.0, 45.0, 90.0)
# Twelve minutes of each activity.
SEEDS: Final = (1, 2, 3, 4)
# What people do between sets. Getting up from a chair is what the exempt exercises count.
RESTS: Final = ("resting", "walking", "getting up and down", "drinking", "setting up")
EXEMPT: Final = (
    "getting up and down",
    ("alternating-lunges", "lunge", "sit-to-stand", "sit-to-stand-30-s", "squat"),
)


class Activity(NamedTuple):
    """An activity of the figure before a camera."""

    name: str
    turned: float
    seed: int
    posture: str = ""

    @property
    def minutes(self) -> float:
        return (STILL_SECONDS if self.name == STILL else SECONDS) / 60

    def frames(self) -> list[PoseFrame]:
        camera = replace(LANDMARKER, turned=self.turned, seed=self.seed)
        if self.name == STILL:
            return hold(STILL_POSTURES[self.posture], seconds=STILL_SECONDS, camera=camera)
        return act(self.name, seconds=SECONDS, camera=camera)


def tables(workers: Workers) -> list[Table]:
    return [over_recordings(workers), over_unmarked(workers), over_activities(workers)]


def over_recordings(workers: Workers) -> Table:
    completed = workers.count(
        Run(Recorded(sample.name), spec)
        for exercise, spec in catalogue().items()
        for sample in workers.samples
        if sample.exercise != exercise
    )
    performed = sorted({sample.exercise for sample in workers.samples})
    rows: list[Row] = []
    for exercise, spec in catalogue().items():
        false: dict[str, int] = defaultdict(int)
        minutes: dict[str, float] = defaultdict(float)
        for sample in workers.samples:
            if sample.exercise != exercise:
                false[sample.exercise] += len(completed[Run(Recorded(sample.name), spec)])
                minutes[sample.exercise] += sample.seconds / 60
        rates = [share(false[name], minutes[name]) for name in performed]
        rows.append((exercise, *rates, share(sum(false.values()), sum(minutes.values()))))
    title = "False repetitions a minute over recordings of other exercises"
    return Table("over_recordings", title, ("MoveSpec", *performed, "all"), rows)


def over_unmarked(workers: Workers) -> Table:
    """Where a human marked nothing: before, between and after the repetitions."""
    marked = [one for one in workers.samples if one.repetitions and not one.is_bad]
    stretches = {one.name: unmarked(one) for one in marked}
    minutes = sum(end - start for of in stretches.values() for start, end in of) / 60_000
    completed = workers.count(
        Run(Recorded(one.name), spec) for spec in catalogue().values() for one in marked
    )
    rows: list[Row] = []
    for exercise, spec in catalogue().items():
        false = {
            one.name: sum(
                start < ms < end
                for ms in completed[Run(Recorded(one.name), spec)]
                for start, end in stretches[one.name]
            )
            for one in marked
        }
        own = sum(false[one.name] for one in marked if one.exercise == exercise)
        rows.append((exercise, minutes, own, sum(false.values()) - own))
    return Table(
        "over_unmarked",
        "Repetitions in the unmarked stretches of recordings",
        ("MoveSpec", "minutes", "of its own exercise", "of others"),
        rows,
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
    scenes = [Activity(*of) for of in product(ACTIVITIES, TURNS, SEEDS)]
    scenes += [Activity(STILL, turned, 1, of) for of, turned in product(STILL_POSTURES, TURNS)]
    completed = workers.count(Run(scene, spec) for scene in scenes for spec in catalogue().values())
    false: dict[tuple[str, str], int] = defaultdict(int)
    minutes: dict[str, float] = defaultdict(float)
    for scene in scenes:
        minutes[scene.name] += scene.minutes
        for exercise, spec in catalogue().items():
            false[exercise, scene.name] += len(completed[Run(scene, spec)])
    return Table(
        "over_activities",
        "False repetitions a minute of a figure that does no exercise",
        ("MoveSpec", *minutes),
        [
            (exercise, *(false[exercise, activity] / minutes[activity] for activity in minutes))
            for exercise in catalogue()
        ],
    )


def false_a_minute(workers: Workers, specs: Sequence[tuple[str, MoveSpec]]) -> list[float]:
    """The false repetitions a minute of each (exercise, MoveSpec) over RESTS, without what the
    exercise is exempt from."""
    scenes = [Activity(*of) for of in product(RESTS, TURNS, SEEDS)]
    completed = workers.count(Run(scene, spec) for scene in scenes for _, spec in specs)
    rates = []
    for exercise, spec in specs:
        of = [
            len(completed[Run(scene, spec)])
            for scene in scenes
            if not (scene.name == EXEMPT[0] and exercise in EXEMPT[1])
        ]
        rates.append(sum(of) / (len(of) * SECONDS / 60))
    return rates


def tables_of_gates(workers: Workers) -> list[Table]:
    gates = [
        (exercise, spec, gate) for exercise, spec in catalogue().items() for gate in gates_of(spec)
    ]
    ungated = [(exercise, without_gate(spec, gate)) for exercise, spec, gate in gates]
    rates = false_a_minute(workers, [(exercise, spec) for exercise, spec, _ in gates])
    ungated_rates = false_a_minute(workers, ungated)
    rows: list[Row] = []
    for number, (exercise, spec, gate) in enumerate(gates):
        own = [one for one in workers.samples if one.exercise == exercise]
        right, right_ungated = (_right(workers, own, of) for of in (spec, ungated[number][1]))
        lost = right_ungated - right
        side = f"{gate.side} " if gate.side else ""
        rows.append(
            (
                f"{exercise}: {side}{gate.measure} {gate.minimum:g} to {gate.maximum:g}",
                *(sum(one.dataset == dataset for one in lost) for dataset in DATASETS),
                *(rates[number], ungated_rates[number]),
            )
        )
    return [
        Table(
            "gates",
            "Gates of the catalogue: recordings within one that each costs, and false"
            " repetitions a minute with and without it"
            f" ({', '.join(RESTS)}; {EXEMPT[0]} not for {', '.join(EXEMPT[1])})",
            (
                *("gate", *(f"costs of {dataset}" for dataset in DATASETS)),
                *("false a minute", "without it"),
            ),
            rows,
        )
    ]


def gates_of(spec: MoveSpec) -> list[Criterion]:
    """The criteria that every phase of a repetition has alike."""
    if spec.type == "hold":
        return []
    first, *others = spec.phases
    return [c for c in first.criteria if all(c in phase.criteria for phase in others)]


def without_gate(spec: MoveSpec, gate: Criterion) -> MoveSpec:
    phases = (
        replace(phase, criteria=tuple(c for c in phase.criteria if c != gate))
        for phase in spec.phases
    )
    return replace(spec, phases=tuple(phases))


def _right(workers: Workers, samples: Sequence[Sample], spec: MoveSpec) -> set[Sample]:
    """The recordings that are counted within one."""
    completed = workers.count(Run(Recorded(one.name), spec) for one in samples)
    return {
        one
        for one in samples
        if abs(len(completed[Run(Recorded(one.name), spec)]) - one.count) <= 1
    }
