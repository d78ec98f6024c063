"""Bar charts of counts over time, as rectangles for an SVG."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

HEIGHT, STEP = 100, 10


class Bar(NamedTuple):
    """A span of time, and its rectangle in the chart. Rectangles are STEP apart."""

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
    """The chart of `counts`, with a bar for each of `spans`, the earliest first."""
    shown = [counts.get(since, 0) for since in spans]
    most = max(shown)
    bars = []
    for number, (since, count) in enumerate(zip(spans, shown, strict=True)):
        height = round(HEIGHT * count / (most or 1))
        bars.append(Bar(since, count, number * STEP, HEIGHT - height, height))
    return Chart(bars, sum(shown), most)
