"""Completions matched with marked repetitions, and the figures of it."""

from itertools import combinations, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dev.bench.score.matches import Tally, belongs, figures, matched

# Three repetitions of a second each, without a pause.
THREE = ((0.0, 1000.0), (1000.0, 2000.0), (2000.0, 3000.0))


@pytest.mark.parametrize(
    ("completions", "pairs"),
    [
        ([], []),
        ([1000, 2000, 3000], [(0, 0), (1, 1), (2, 2)]),
        ([400, 1400, 2400], [(0, 0), (1, 1), (2, 2)]),  # each as early as may be
        ([1600, 2600, 3600], [(0, 0), (1, 1), (2, 2)]),  # each as late as may be
        ([399], []),
        ([3601], []),
        ([1000, 3000], [(0, 0), (1, 2)]),  # the second was missed
        ([1500, 1600], [(0, 0), (1, 1)]),  # both may belong to either, in order
        ([1400, 1450, 1500], [(0, 0), (1, 1)]),  # three in reach of two
        ([2990, 3000, 3010], [(0, 2)]),  # one repetition told three times
        ([1000, 1010, 2000, 2010, 3000, 3010], [(0, 0), (2, 1), (4, 2)]),
    ],
)
def test_pairs_are_as_many_as_can_be_one_to_one_and_in_order(
    completions: list[float], pairs: list[tuple[int, int]]
) -> None:
    assert matched(completions, THREE) == pairs


def test_a_long_repetition_allows_more_than_a_short_one() -> None:
    assert belongs(1500, (0, 1000)) is True
    assert belongs(1500, (900, 1000)) is False
    assert belongs(1000, (1000, 1000)) is True


times = st.lists(st.integers(0, 40), max_size=5).map(sorted)
spans = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 10)), max_size=4).map(
    lambda pairs: sorted(((a, a + b) for a, b in pairs), key=lambda span: span[1])
)


@given(times, spans)
def test_no_other_pairing_in_order_has_more(
    completions: list[float], repetitions: list[tuple[float, float]]
) -> None:
    pairs = matched(completions, repetitions)
    assert all(belongs(completions[n], repetitions[m]) for n, m in pairs)
    assert all(a < c and b < d for (a, b), (c, d) in pairwise(pairs))
    best = max(
        size
        for size in range(min(len(completions), len(repetitions)) + 1)
        if any(
            all(belongs(c, r) for c, r in zip(some, others, strict=True))
            for some in combinations(completions, size)
            for others in combinations(repetitions, size)
        )
    )
    assert len(pairs) == best


def test_figures_are_of_all_recordings_together() -> None:
    of = figures([Tally(4, 4, 4, 3), Tally(10, 7, 10, 7), Tally(2, 1, None, None)])
    assert (of.recordings, of.exact, of.within_one) == (3, 1, 2)
    assert of.mae == pytest.approx((0 + 3 + 1) / 3)
    assert of.precision == pytest.approx(10 / 11)
    assert of.recall == pytest.approx(10 / 14)
    assert of.f1 == pytest.approx(20 / 25)
