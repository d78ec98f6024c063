"""The parts `negatives`, the catalogue over everything that is not its own exercise, and `gates`,
what each criterion that every phase has alike costs and saves."""

from collections import Counter
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
POSTURES: Final = {
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
    name: str
    turned: float
    seed: int
    posture: str = ""

    @property
    def seconds(self) -> float:
        return STILL_SECONDS if self.name == STILL else SECONDS

    def frames(self) -> list[PoseFrame]:
        camera = replace(LANDMARKER, turned=self.turned, seed=self.seed)
        if self.name == STILL:
            return hold(POSTURES[self.posture], seconds=self.seconds, camera=camera)
        return act(self.name, seconds=self.seconds, camera=camera)


def tables(workers: Workers) -> list[Table]:
    return [over_recordings(workers), over_unmarked(workers), over_activities(workers)]


def over_recordings(workers: Workers) -> Table:
    samples = workers.samples
    performed = sorted({one.exercise for one in samples})
    rows: list[Row] = []
    sources = [Recorded(one.name) for one in samples]
    for exercise, times in workers.count_each(catalogue().items(), sources):
        counts = dict(zip(samples, map(len, times), strict=True))
        others = [one for one in samples if one.exercise != exercise]
        rates = []
        for name in (*performed, None):
            group = [one for one in others if name in (None, one.exercise)]
            minutes = sum(one.seconds / 60 for one in group)
            rates.append(share(sum(counts[one] for one in group), minutes))
        rows.append((exercise, *rates))
    title = "False repetitions a minute over recordings of other exercises"
    return Table(title, ("MoveSpec", *performed, "all"), rows)


def over_unmarked(workers: Workers) -> Table:
    """Where a human marked nothing: before, between and after the repetitions."""
    marked = [one for one in workers.samples if one.repetitions and not one.is_bad]
    stretches = {one.name: unmarked(one) for one in marked}
    minutes = sum(end - start for of in stretches.values() for start, end in of) / 60_000
    rows: list[Row] = []
    sources = [Recorded(one.name) for one in marked]
    for exercise, times in workers.count_each(catalogue().items(), sources):
        false = Counter[bool]()
        for one, of in zip(marked, times, strict=True):
            within = (start < ms < end for ms in of for start, end in stretches[one.name])
            false[one.exercise == exercise] += sum(within)
        rows.append((exercise, minutes, false[True], false[False]))
    title = "Repetitions in the unmarked stretches of recordings"
    return Table(title, ("MoveSpec", "minutes", "of its own exercise", "of others"), rows)


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
    scenes = {name: [Activity(name, *of) for of in product(TURNS, SEEDS)] for name in ACTIVITIES}
    scenes[STILL] = [Activity(STILL, turned, 1, of) for of, turned in product(POSTURES, TURNS)]
    all_ = [scene for of in scenes.values() for scene in of]
    rows: list[Row] = []
    for exercise, times in workers.count_each(catalogue().items(), all_):
        counts = dict(zip(all_, map(len, times), strict=True))
        rates = (
            sum(counts[scene] for scene in of) / sum(scene.seconds / 60 for scene in of)
            for of in scenes.values()
        )
        rows.append((exercise, *rates))
    title = "False repetitions a minute of a figure that does no exercise"
    return Table(title, ("MoveSpec", *scenes), rows)


def false_a_minute(workers: Workers, specs: Sequence[tuple[str, MoveSpec]]) -> list[float]:
    """The false repetitions a minute of each (exercise, MoveSpec) over RESTS, without what the
    exercise is exempt from."""
    scenes = [Activity(*of) for of in product(RESTS, TURNS, SEEDS)]
    rates = []
    for exercise, times in workers.count_each(specs, scenes):
        is_exempt = exercise in EXEMPT[1]
        of = [
            len(found)
            for scene, found in zip(scenes, times, strict=True)
            if not (is_exempt and scene.name == EXEMPT[0])
        ]
        rates.append(sum(of) / (len(of) * SECONDS / 60))
    return rates


def tables_of_gates(workers: Workers) -> list[Table]:
    gates = [(name, spec, gate) for name, spec in catalogue().items() for gate in gates_of(spec)]
    ungated = [(name, without_gate(spec, gate)) for name, spec, gate in gates]
    rates = false_a_minute(workers, [(name, spec) for name, spec, _ in gates])
    rows: list[Row] = []
    for (name, spec, gate), (_, without), rate, rate_without in zip(
        gates, ungated, rates, false_a_minute(workers, ungated), strict=True
    ):
        own = [one for one in workers.samples if one.exercise == name]
        lost = _right(workers, own, without) - _right(workers, own, spec)
        side = f"{gate.side} " if gate.side else ""
        rows.append(
            (
                f"{name}: {side}{gate.measure} {gate.minimum:g} to {gate.maximum:g}",
                *(sum(one.dataset == dataset for one in lost) for dataset in DATASETS),
                *(rate, rate_without),
            )
        )
    title = (
        "Gates of the catalogue: recordings within one that each costs, and false repetitions a"
        f" minute with and without it ({', '.join(RESTS)}; {EXEMPT[0]} not for"
        f" {', '.join(EXEMPT[1])})"
    )
    costs = (f"costs of {dataset}" for dataset in DATASETS)
    return [Table(title, ("gate", *costs, "false a minute", "without it"), rows)]


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
    counted = workers.count(Run(Recorded(one.name), spec) for one in samples)
    pairs = zip(samples, counted, strict=True)
    return {one for one, times in pairs if abs(len(times) - one.count) <= 1}
