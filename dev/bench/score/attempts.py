"""The part `attempts`: the attempts told of people whose repetitions a human marked, as shipped.

One within a marked repetition that is counted is told of somebody who did it.
"""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from detection import Engine

from .engine_runs import Run, Workers, catalogue, recording
from .matches import matched
from .samples import Sample
from .tables import Cell, Table

COUNTED, UNCOUNTED, OUTSIDE = "within a counted one", "within another", "outside"
PLACES = (COUNTED, UNCOUNTED, OUTSIDE)


class Told(NamedTuple):
    """The times of a recording's completions and attempts, in milliseconds."""

    completed: list[float]
    attempted: list[float]


def follow(run: Run) -> Told:
    """Called in a worker."""
    engine = Engine(run.spec, run.settings)
    events = [event for frame in recording(run.recording).frames for event in engine.feed(frame)]
    events += engine.finish()
    completed, attempted = (
        [event.ts_ms for event in events if event.type == type_]
        for type_ in ("event_completed", "event_interrupted")
    )
    return Told(completed, attempted)


def places(told: Told, sample: Sample) -> Counter[str]:
    """How many attempts are in each of PLACES."""
    repetitions = sample.repetitions or ()
    counted = {number for _, number in matched(told.completed, repetitions)}
    found: Counter[str] = Counter()
    for ms in told.attempted:
        within = {n for n, (start, end) in enumerate(repetitions) if start <= ms <= end}
        found[COUNTED if within & counted else UNCOUNTED if within else OUTSIDE] += 1
    return found


def tables(workers: Workers) -> list[Table]:
    samples = [
        sample
        for sample in workers.samples
        if sample.repetitions and sample.exercise in catalogue() and not sample.is_bad
    ]
    runs = [Run(sample.name, catalogue()[sample.exercise]) for sample in samples]
    found = [
        places(told, sample)
        for told, sample in zip(workers.each(follow, runs), samples, strict=True)
    ]
    return [
        _by("exercise", [sample.exercise for sample in samples], found),
        _by("person", [sample.person for sample in samples], found, is_for_docs=False),
    ]


def _by(
    what: str, names: Sequence[str], found: Sequence[Counter[str]], *, is_for_docs: bool = True
) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for name in (*sorted(set(names)), "all"):
        own = [one for one, of in zip(found, names, strict=True) if name in (of, "all")]
        total = sum(own, Counter[str]())
        rows.append((name, len(own), total.total(), *(total[place] for place in PLACES)))
    return Table(
        key=f"attempts_by_{what}",
        title=f"Attempts by {what}, without the bad recordings: where they are sent, among the"
        " repetitions that a human marked",
        columns=(what, "recordings", "attempts", *PLACES),
        rows=rows,
        is_for_docs=is_for_docs,
    )
