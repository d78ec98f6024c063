"""The part `recordings`: the catalogue over people, as shipped and tuned on people left out.

The data sets are never pooled: each has rows of its own.
"""

from collections.abc import Iterator, Mapping, Sequence

from .cards import view_of
from .cross_validation import Chooser
from .engine_runs import Completions, Run, Workers, catalogue
from .matches import Figures, figures, tally, within_span
from .samples import DATASETS, KNOWN_BAD, Sample
from .tables import Cell, Table

COLUMNS = ("recordings", "within 1", "exact", "MAE", "precision", "recall", "F1")

VIEWS = ("side", "oblique", "front")

Counted = Mapping[str, Completions]


def tables(workers: Workers) -> list[Table]:
    samples = [sample for sample in workers.samples if sample.exercise in catalogue()]
    shipped = as_shipped(workers, samples)
    chooser = Chooser(workers)
    by_person, by_dataset = chooser.by_person(), chooser.by_dataset()
    return [
        by_recording(samples, shipped, by_person),
        by_exercise("as_shipped", "Recordings of people, as shipped", samples, shipped),
        by_exercise(
            "by_person",
            "Recordings of people, each counted with rules tuned on the other people of the set",
            samples,
            by_person,
        ),
        by_exercise(
            "by_dataset",
            "Recordings of people, each counted with rules tuned on the other data set",
            samples,
            by_dataset,
        ),
        by_view(samples, shipped),
        missed(samples, shipped, by_person),
    ]


def as_shipped(workers: Workers, samples: Sequence[Sample]) -> dict[str, Completions]:
    """The completions of each recording by the catalogue's MoveSpec."""
    runs = {sample.name: Run(sample.name, catalogue()[sample.exercise]) for sample in samples}
    completed = workers.count(runs.values())
    return {name: completed[run] for name, run in runs.items()}


def by_recording(samples: Sequence[Sample], shipped: Counted, by_person: Counted) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for sample in samples:
        completed = shipped[sample.name]
        inside = within_span(completed, sample)
        whole, span = (figures([tally(times, sample)]) for times in (completed, inside))
        rows.append(
            (
                *(sample.name, sample.dataset, sample.person, sample.count, len(completed)),
                *(whole.precision, whole.recall, whole.f1),
                *(len(inside), span.precision, span.recall, span.f1),
                *(_count(by_person, sample), KNOWN_BAD.get(sample.name, "")),
            )
        )
    return Table(
        key="by_recording",
        title="Recording by recording",
        columns=(
            *("recording", "data set", "person", "human", "counted"),
            *("precision", "recall", "F1", "in span"),
            *("precision in span", "recall in span", "F1 in span"),
            *("left out", "known to be bad"),
        ),
        rows=rows,
        is_for_docs=False,
    )


def by_exercise(key: str, title: str, samples: Sequence[Sample], counted: Counted) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for dataset in DATASETS:
        there = [one for one in samples if one.dataset == dataset and one.name in counted]
        for name, group in groups(there):
            of = figures([tally(counted[sample.name], sample) for sample in group])
            rows.append((f"{dataset}: {name}", *_cells(of)))
    return Table(key=key, title=title, columns=("exercise", *COLUMNS), rows=rows)


def by_view(samples: Sequence[Sample], shipped: Counted) -> Table:
    """By where the people were filmed from, as their shoulders tell it."""
    views: dict[str, list[Sample]] = {}
    for sample in samples:
        views.setdefault(view_of(sample), []).append(sample)
    exercises = sorted({sample.exercise for sample in samples})
    rows: list[tuple[Cell, ...]] = []
    for exercise in (*exercises, "all"):
        row: list[Cell] = [exercise]
        for view in VIEWS:
            own = [one for one in views.get(view, ()) if exercise in (one.exercise, "all")]
            within = sum(abs(len(shipped[one.name]) - one.count) <= 1 for one in own)
            row.append(f"{within} of {len(own)}" if own else None)
        rows.append(tuple(row))
    return Table(
        key="by_view",
        title="Recordings of people within one by where they were filmed from, as shipped",
        columns=("exercise", *VIEWS),
        rows=rows,
    )


def groups(samples: Sequence[Sample]) -> Iterator[tuple[str, list[Sample]]]:
    """Each exercise and all of them; where some of it is known to be bad, all without that too."""
    for exercise in sorted({sample.exercise for sample in samples}):
        yield exercise, [sample for sample in samples if sample.exercise == exercise]
    if samples:
        yield "all", list(samples)
    good = [sample for sample in samples if not sample.is_bad]
    if good and len(good) < len(samples):
        yield "all, without the bad", good


def missed(samples: Sequence[Sample], shipped: Counted, by_person: Counted) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for sample in samples:
        whole = tally(shipped[sample.name], sample)
        if abs(whole.error) > 1:
            rows.append(
                (
                    *(sample.name, whole.human, whole.counted, _count(by_person, sample)),
                    KNOWN_BAD.get(sample.name, ""),
                )
            )
    return Table(
        key="missed",
        title="Recordings not within one, as shipped",
        columns=("recording", "human", "counted", "left out", "known to be bad"),
        rows=rows,
    )


def _count(counted: Counted, sample: Sample) -> int | None:
    return len(counted[sample.name]) if sample.name in counted else None


def _cells(of: Figures) -> tuple[Cell, ...]:
    return (of.recordings, of.within_one, of.exact, of.mae, of.precision, of.recall, of.f1)
