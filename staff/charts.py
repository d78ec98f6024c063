"""A picture of numbers through time: bars of one width, the highest as high as the picture."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

HEIGHT, STEP = 100, 10


class Bar(NamedTuple):
    """A span of time and its place in the picture, where spans are STEP apart."""

    since: datetime
    value: int
    x: int
    y: int
    height: int


class Chart(NamedTuple):
    bars: Sequence[Bar]
    total: int
    most: int

    @property
    def width(self) -> int:
        return STEP * len(self.bars)


def chart(counts: Mapping[datetime, int], spans: Sequence[datetime]) -> Chart:
    """Of the spans of time that begin then, the earliest first; one without a count has none."""
    shown = [counts.get(since, 0) for since in spans]
    most = max(shown)
    bars = []
    for number, (since, count) in enumerate(zip(spans, shown, strict=True)):
        height = round(HEIGHT * count / (most or 1))
        bars.append(Bar(since, count, number * STEP, HEIGHT - height, height))
    return Chart(bars, sum(shown), most)
