"""The part `recordings`: the catalogue over people, as shipped and cross-validated."""

from collections.abc import Iterator, Mapping, Sequence

from .cross_validation import cross_validated
from .engine_runs import Completions, Run, Workers, catalogue
from .grid import choices
from .matches import Figures, figures, tally, within_span
from .samples import KNOWN_BAD, Sample
from .tables import Cell, Table

COLUMNS = ("recordings", "within 1", "exact", "MAE", "precision", "recall", "F1")
SPAN_COLUMNS = tuple(f"{name} in span" for name in COLUMNS[1:])

Counted = Mapping[str, Completions]


def tables(workers: Workers) -> list[Table]:
    samples = [sample for sample in workers.samples if sample.exercise in catalogue()]
    runs = {sample.name: Run(sample.name, catalogue()[sample.exercise]) for sample in samples}
    completed = workers.count(runs.values())
    shipped = {name: completed[run] for name, run in runs.items()}
    validated = cross_validated(samples, choices(), workers)
    return [
        by_recording(samples, shipped, validated),
        by_exercise("as_shipped", "Recordings of people, as shipped", samples, shipped),
        by_exercise(
            "cross_validated",
            "Recordings of people, cross-validated: chosen on the other people",
            samples,
            validated,
        ),
        missed(samples, shipped, validated),
    ]


def by_recording(samples: Sequence[Sample], shipped: Counted, validated: Counted) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for sample in samples:
        completed = shipped[sample.name]
        inside = within_span(completed, sample)
        whole, span = (figures([tally(times, sample)]) for times in (completed, inside))
        rows.append(
            (
                *(sample.name, sample.person, sample.count, len(completed)),
                *(whole.precision, whole.recall, whole.f1),
                *(len(inside), span.precision, span.recall, span.f1),
                *(len(validated[sample.name]), KNOWN_BAD.get(sample.name, "")),
            )
        )
    return Table(
        key="by_recording",
        title="Recording by recording",
        columns=(
            *("recording", "person", "human", "counted", "precision", "recall", "F1", "in span"),
            *("precision in span", "recall in span", "F1 in span"),
            *("cross-validated", "known to be bad"),
        ),
        rows=rows,
        is_for_docs=False,
    )


def by_exercise(key: str, title: str, samples: Sequence[Sample], counted: Counted) -> Table:
    rows = []
    for name, group in groups(samples):
        whole = figures([tally(counted[sample.name], sample) for sample in group])
        span = figures(
            [tally(within_span(counted[sample.name], sample), sample) for sample in group]
        )
        rows.append((name, *_cells(whole), *_cells(span)[1:]))
    return Table(key=key, title=title, columns=("exercise", *COLUMNS, *SPAN_COLUMNS), rows=rows)


def groups(samples: Sequence[Sample]) -> Iterator[tuple[str, list[Sample]]]:
    """Each exercise and all of them; where some of it is known to be bad, without that as well."""
    exercises = sorted({sample.exercise for sample in samples})
    named = [(exercise, {exercise}) for exercise in exercises]
    for name, wanted in [*named, ("all", {*exercises})]:
        group = [sample for sample in samples if sample.exercise in wanted]
        good = [sample for sample in group if not sample.is_bad]
        yield name, group
        if len(good) < len(group):
            yield f"{name}, without the bad", good


def missed(samples: Sequence[Sample], shipped: Counted, validated: Counted) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for sample in samples:
        whole = tally(shipped[sample.name], sample)
        if abs(whole.error) > 1:
            in_span = len(within_span(shipped[sample.name], sample))
            rows.append(
                (
                    *(sample.name, whole.human, whole.counted, in_span, whole.matched),
                    *(len(validated[sample.name]), KNOWN_BAD.get(sample.name, "")),
                )
            )
    return Table(
        key="missed",
        title="Recordings not within one, as shipped",
        columns=(
            *("recording", "human", "counted", "in span", "matched", "cross-validated"),
            "known to be bad",
        ),
        rows=rows,
    )


def _cells(of: Figures) -> tuple[Cell, ...]:
    return (of.recordings, of.within_one, of.exact, of.mae, of.precision, of.recall, of.f1)
