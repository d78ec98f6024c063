"""The parts over recordings of people, counted by the catalogue: `recordings`, `variants` and
`attempts`. The data sets are never pooled."""

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Final, NamedTuple

from detection import Engine, PoseFrame
from dev.poses.variants import CHANGES, hiding

from .cross_validation import Chooser
from .engine_runs import Recorded, Run, Times, Workers, catalogue, recording
from .matches import END_TOLERANCE, figures, matched, tally
from .samples import DATASETS, KNOWN_BAD, VIEWS, Sample, Span
from .tables import Cell, Row, Table

ALL: Final = "all"
COLUMNS: Final = ("recordings", "within 1", "exact", "MAE", "precision", "recall", "F1")
# The variants in which a camera sees one side alone.
HIDING: Final = [
    number
    for number, change in enumerate(CHANGES)
    if isinstance(change, partial) and change.func is hiding
]
COUNTED, UNCOUNTED, OUTSIDE = "within a counted one", "within another", "outside"
PLACES: Final = (COUNTED, UNCOUNTED, OUTSIDE)

Counted = Mapping[str, Times]


def tables(workers: Workers) -> list[Table]:
    samples = [sample for sample in workers.samples if sample.exercise in catalogue()]
    shipped = as_shipped(workers, samples)
    chooser = Chooser(workers)
    by_person, by_dataset = chooser.by_person(), chooser.by_dataset()
    chosen = "Recordings of people, each counted with rules tuned on the other"
    return [
        by_exercise("Recordings of people, as shipped", samples, shipped),
        by_exercise(f"{chosen} people of the set", samples, by_person),
        by_exercise(f"{chosen} data set", samples, by_dataset),
        by_view(samples, shipped),
        missed(samples, shipped, by_person),
    ]


def as_shipped(workers: Workers, samples: Sequence[Sample]) -> dict[str, Times]:
    runs = {one.name: Run(Recorded(one.name), catalogue()[one.exercise]) for one in samples}
    return dict(zip(runs, workers.count(runs.values()), strict=True))


def by_exercise(title: str, samples: Sequence[Sample], counted: Counted) -> Table:
    rows: list[Row] = []
    for dataset in DATASETS:
        there = [one for one in samples if one.dataset == dataset and one.name in counted]
        for name, group in groups(there):
            of = figures([tally(counted[sample.name], sample) for sample in group])
            rows.append((f"{dataset}: {name}", *of))
    return Table(title, ("exercise", *COLUMNS), rows)


def groups(samples: Sequence[Sample]) -> Iterator[tuple[str, list[Sample]]]:
    """Each exercise and all of them, and all without the bad where there are bad ones."""
    for exercise in sorted({sample.exercise for sample in samples}):
        yield exercise, [sample for sample in samples if sample.exercise == exercise]
    if samples:
        yield ALL, list(samples)
    good = [sample for sample in samples if not sample.is_bad]
    if good and len(good) < len(samples):
        yield "all, without the bad", good


def by_view(samples: Sequence[Sample], shipped: Counted) -> Table:
    views = {one.name: one.view for one in samples}
    rows: list[Row] = []
    for exercise in (*sorted({one.exercise for one in samples}), ALL):
        row: list[Cell] = [exercise]
        for view in VIEWS:
            own = [
                abs(len(shipped[one.name]) - one.count) <= 1
                for one in samples
                if views[one.name] == view and exercise in (one.exercise, ALL)
            ]
            row.append(f"{sum(own)} of {len(own)}" if own else None)
        rows.append(tuple(row))
    title = "Recordings of people within one by where they were filmed from, as shipped"
    return Table(title, ("exercise", *VIEWS), rows)


def missed(samples: Sequence[Sample], shipped: Counted, by_person: Counted) -> Table:
    counts = [(one, len(shipped[one.name])) for one in samples]
    rows = [
        (
            *(one.name, one.count, count),
            len(by_person[one.name]) if one.name in by_person else None,
            KNOWN_BAD.get(one.name, ""),
        )
        for one, count in counts
        if abs(count - one.count) > 1
    ]
    columns = ("recording", "human", "counted", "left out", "known to be bad")
    return Table("Recordings not within one, as shipped", columns, rows)


def good_of_catalogue(workers: Workers) -> list[Sample]:
    return [one for one in workers.samples if one.exercise in catalogue() and not one.is_bad]


class Varied(NamedTuple):
    """A recording up to its last marked repetition, with a change of CHANGES."""

    name: str
    change: int

    def frames(self) -> list[PoseFrame]:
        sample = recording(self.name)
        end_ms = math.inf
        if sample.repetitions:
            start, end = sample.repetitions[-1]
            end_ms = end + END_TOLERANCE * (end - start)
        return CHANGES[self.change]([one for one in sample.frames if one.timestamp_ms <= end_ms])


def tables_of_variants(workers: Workers) -> list[Table]:
    samples = good_of_catalogue(workers)
    shipped = as_shipped(workers, samples)
    numbers = range(len(CHANGES))
    counted = iter(
        workers.count(
            Run(Varied(one.name, number), catalogue()[one.exercise])
            for one in samples
            for number in numbers
        )
    )
    # By how many repetitions the count of each variant is off.
    off = {one.name: [abs(len(next(counted)) - one.count) for _ in numbers] for one in samples}
    rows: list[Row] = []
    hidden: list[Row] = []
    for exercise in (*sorted({one.exercise for one in samples}), ALL):
        own = [one for one in samples if exercise in (one.exercise, ALL)]
        if exercise != ALL:
            errors = [error for one in own for error in off[one.name]]
            exact, within = (sum(error <= most for error in errors) for most in (0, 1))
            rows.append((exercise, len(errors), within, exact, sum(errors) / len(errors)))
        as_it_is = sum(abs(len(shipped[one.name]) - one.count) <= 1 for one in own)
        sides = [[off[one.name][number] for number in HIDING] for one in own]
        better, worse = (sum(best(of) <= 1 for of in sides) for best in (min, max))
        hidden.append((exercise, len(own), as_it_is, better, worse))
    return [
        Table(
            f"Recordings in {len(CHANGES)} variants each, without the bad",
            ("exercise", *COLUMNS[:4]),
            rows,
        ),
        Table(
            "Recordings within one as they are, and with one side hidden: the better one and the"
            " worse, without the bad",
            ("exercise", "recordings", "as it is", "better", "worse"),
            hidden,
        ),
    ]


def follow(name: str) -> tuple[list[float], list[float]]:
    """Called in a worker: when a recording has completions and attempts, in milliseconds."""
    sample = recording(name)
    engine = Engine(catalogue()[sample.exercise])
    events = [event for frame in sample.frames for event in engine.feed(frame)]
    events += engine.finish()
    completed, attempted = (
        [event.ts_ms for event in events if event.type == type_]
        for type_ in ("event_completed", "event_interrupted")
    )
    return completed, attempted


def places(
    completed: Sequence[float], attempted: Sequence[float], repetitions: Sequence[Span]
) -> Counter[str]:
    counted = {number for _, number in matched(completed, repetitions)}
    found: Counter[str] = Counter()
    for ms in attempted:
        within = {n for n, (start, end) in enumerate(repetitions) if start <= ms <= end}
        found[COUNTED if within & counted else UNCOUNTED if within else OUTSIDE] += 1
    return found


def tables_of_attempts(workers: Workers) -> list[Table]:
    samples = [one for one in good_of_catalogue(workers) if one.repetitions]
    reported = workers.each(follow, [one.name for one in samples])
    found = [
        (one.exercise, places(*of, one.repetitions or ()))
        for one, of in zip(samples, reported, strict=True)
    ]
    rows: list[Row] = []
    for name in (*sorted({one.exercise for one in samples}), ALL):
        own = [of for exercise, of in found if name in (exercise, ALL)]
        total = sum(own, Counter[str]())
        rows.append((name, len(own), total.total(), *(total[place] for place in PLACES)))
    title = (
        "Attempts by exercise, without the bad recordings: where they are sent, among the"
        " repetitions that a human marked"
    )
    return [Table(title, ("exercise", "recordings", "attempts", *PLACES), rows)]
