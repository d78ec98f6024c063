"""The part `variants`: recordings up to the last marked repetition, as another camera, pace or
person would have made them."""

from typing import NamedTuple

from poses.variants import CHANGES

from .engine_runs import Workers, catalogue, completions, recording
from .matches import Tally, figures, marked_span
from .tables import Cell, Table


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
    for exercise in sorted({sample.exercise for sample in samples}):
        of = figures(
            [
                Tally(sample.count, counted[Variant(sample.name, number)], None, None)
                for sample in samples
                if sample.exercise == exercise
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
        )
    ]


def count_variant(variant: Variant) -> int:
    sample = recording(variant.recording)
    frames = sample.frames
    span = marked_span(sample)
    if span is not None:
        frames = [frame for frame in frames if frame.timestamp_ms <= span[1]]
    return len(completions(catalogue()[sample.exercise], CHANGES[variant.change](frames)))
