"""The part `variants`: recordings up to the last marked repetition, as another camera, pace or
person would have made them."""

from functools import partial
from typing import Final, NamedTuple

from dev.poses.variants import CHANGES, hiding

from .engine_runs import Run, Workers, catalogue, completions, recording
from .matches import Tally, figures, marked_span
from .tables import Cell, Table

# Those of which a camera sees one side alone.
HIDING: Final = [
    number
    for number, change in enumerate(CHANGES)
    if isinstance(change, partial) and change.func is hiding
]


class Variant(NamedTuple):
    recording: str
    change: int


def tables(workers: Workers) -> list[Table]:
    samples = [
        sample for sample in workers.samples if sample.exercise in catalogue() and not sample.is_bad
    ]
    jobs = [Variant(sample.name, number) for sample in samples for number in range(len(CHANGES))]
    counted = dict(zip(jobs, workers.each(count_variant, jobs), strict=True))
    rows: list[tuple[Cell, ...]] = []
    hidden: list[tuple[Cell, ...]] = []
    shipped = workers.count(Run(one.name, catalogue()[one.exercise]) for one in samples)
    for exercise in sorted({sample.exercise for sample in samples}):
        own = [sample for sample in samples if sample.exercise == exercise]
        errors = [
            sorted(abs(counted[Variant(one.name, number)] - one.count) for number in HIDING)
            for one in own
        ]
        whole = [len(shipped[Run(one.name, catalogue()[exercise])]) - one.count for one in own]
        hidden.append(
            (
                *(exercise, len(own), sum(abs(error) <= 1 for error in whole)),
                *(sum(of[side] <= 1 for of in errors) for side in (0, -1)),
            )
        )
        of = figures(
            [
                Tally(sample.count, counted[Variant(sample.name, number)], None, None)
                for sample in own
                for number in range(len(CHANGES))
            ]
        )
        rows.append((exercise, of.recordings, of.within_one, of.exact, of.mae))
    return [
        Table(
            key="by_exercise",
            title=f"Recordings in {len(CHANGES)} variants each, without the bad",
            columns=("exercise", "recordings", "within 1", "exact", "MAE"),
            rows=rows,
        ),
        Table(
            key="hidden",
            title="Recordings within one as they are, and with one side hidden: the better one and"
            " the worse, without the bad",
            columns=("exercise", "recordings", "as it is", "better", "worse"),
            rows=[*hidden, ("all", *(sum(row[n] for row in hidden) for n in range(1, 5)))],  # type: ignore[misc]
        ),
    ]


def count_variant(variant: Variant) -> int:
    sample = recording(variant.recording)
    frames = sample.frames
    span = marked_span(sample)
    if span is not None:
        frames = [frame for frame in frames if frame.timestamp_ms <= span[1]]
    return len(completions(catalogue()[sample.exercise], CHANGES[variant.change](frames)))
