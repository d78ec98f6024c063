"""The matches of completions with the repetitions that a human marked, and their figures."""

from collections.abc import Sequence
from typing import NamedTuple

from .samples import Sample, Span
from .tables import share

# A completion belongs to a repetition if it is at most this share of its length from its end.
END_TOLERANCE = 0.6


def matched(completions: Sequence[float], repetitions: Sequence[Span]) -> list[tuple[int, int]]:
    """The most pairs of a completion and a repetition to which it belongs, one to one and in
    order, as indexes. Times are in milliseconds, sorted."""
    columns = len(repetitions) + 1
    # Row n, column m: how many pairs the first n completions and m repetitions allow.
    most = [[0] * columns]
    for completed in completions:
        above = most[-1]
        row = [0]
        for m, repetition in enumerate(repetitions, 1):
            paired = above[m - 1] + 1 if belongs(completed, repetition) else 0
            row.append(max(above[m], row[-1], paired))
        most.append(row)
    pairs = []
    n, m = len(completions), len(repetitions)
    while most[n][m]:
        if most[n - 1][m] == most[n][m]:
            n -= 1
        elif most[n][m - 1] == most[n][m]:
            m -= 1
        else:
            n, m = n - 1, m - 1
            pairs.append((n, m))
    return pairs[::-1]


def belongs(completed_ms: float, repetition: Span) -> bool:
    start, end = repetition
    return abs(completed_ms - end) <= END_TOLERANCE * (end - start)


class Tally(NamedTuple):
    """One recording counted: `marked` and `matched` are None where no repetition was marked."""

    human: int
    counted: int
    marked: int | None
    matched: int | None


def tally(completions: Sequence[float], sample: Sample) -> Tally:
    if sample.repetitions is None:
        return Tally(sample.count, len(completions), None, None)
    pairs = matched(completions, sample.repetitions)
    return Tally(sample.count, len(completions), len(sample.repetitions), len(pairs))


class Figures(NamedTuple):
    """`mae` is the mean of |counted - human| in repetitions, not divided by the human count.
    Precision, recall and F1 are of all repetitions together; None where they have no meaning."""

    recordings: int
    within_one: int
    exact: int
    mae: float | None
    precision: float | None
    recall: float | None
    f1: float | None


def figures(tallies: Sequence[Tally]) -> Figures:
    errors = [abs(one.counted - one.human) for one in tallies]
    counted = marked = true = 0
    for one in tallies:
        if one.marked is not None and one.matched is not None:
            counted += one.counted
            marked += one.marked
            true += one.matched
    return Figures(
        recordings=len(tallies),
        within_one=sum(error <= 1 for error in errors),
        exact=sum(error == 0 for error in errors),
        mae=share(sum(errors), len(errors)),
        precision=share(true, counted),
        recall=share(true, marked),
        f1=share(2 * true, counted + marked),
    )
