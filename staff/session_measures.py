"""The charts of a session's measures: the least and the most of each repetition over the time."""

import math
from collections.abc import Iterator, Sequence
from statistics import fmean
from typing import NamedTuple

from detection import MoveSpec, carried_angles
from sessions_app.models import DetectionEvent, EventType
from staff.display import counted
from staff.session_repetitions import Range, measure_words, ranges_of

# The newest repetitions and attempts that are drawn, so many of each.
DRAWN = 200
# The picture's width in units of its own, stretched to the page's; and its height in pixels.
WIDTH, HEIGHT = 1_000, 120
THINNEST = 2
# Degrees from one line of the scale to the next, and up to which span it is the finer one.
FINE_STEP, STEP, FINE_SPAN = 10, 30, 50


class Bound(NamedTuple):
    """A bound of the phases at an end of the movement, and where it is drawn."""

    words: str
    y: str


class MeasureChart(NamedTuple):
    """The chart of one measure. `bars` has a bar for each repetition, as wide as that lasted and
    from its least to its most; `attempts` a line for each attempt; `scale` the degrees beside the
    picture, from above, with a line at each of `lines`."""

    name: str
    bars: str
    attempts: str
    scale: Sequence[int]
    lines: str
    bounds: Sequence[Bound]
    text: str


class _Bar(NamedTuple):
    since: float
    until: float
    range: Range


def measure_charts(newest: Sequence[DetectionEvent], spec: MoveSpec | None) -> list[MeasureChart]:
    """A chart for each measure that carries the movement; `newest` are events, the last one first.
    None where older code has stored the repetitions."""
    began, span = newest[-1].ts_ms, newest[0].ts_ms - newest[-1].ts_ms

    def across(ts_ms: float) -> float:
        return WIDTH * max(ts_ms - began, 0.0) / span if span else 0.0

    bars: dict[str, list[_Bar]] = {}
    completed = [event for event in newest if event.type == EventType.EVENT_COMPLETED]
    for event in completed[:DRAWN][::-1]:
        for range_ in ranges_of(event, spec):
            since = event.ts_ms - event.payload["metrics"]["duration_ms"]
            bar = _Bar(across(since), across(event.ts_ms), range_)
            bars.setdefault(range_.name, []).append(bar)
    interrupted = [event for event in newest if event.type == EventType.EVENT_INTERRUPTED]
    attempts = [(one.payload.get("side"), across(one.ts_ms)) for one in interrupted[:DRAWN]]
    return [_chart(name, bars[name], attempts, spec) for name in sorted(bars)]


def _chart(
    name: str,
    bars: Sequence[_Bar],
    attempts: Sequence[tuple[str | None, float]],
    spec: MoveSpec | None,
) -> MeasureChart:
    _kind, _measure, *sides = name.split(".")
    of_side = [at for side, at in attempts if not (side and sides) or side in sides]
    ranges = [bar.range for bar in bars]
    bounds = dict(_bounds(name, spec))
    lowest = min([one.least for one in ranges] + [*bounds.values()])
    highest = max([one.most for one in ranges] + [*bounds.values()])
    step = FINE_STEP if highest - lowest <= FINE_SPAN else STEP
    low = step * math.floor(lowest / step)
    high = max(step * math.ceil(highest / step), low + step)

    def down(degrees: float) -> float:
        return HEIGHT * (high - degrees) / (high - low)

    def drawn(bar: _Bar) -> str:
        """A bar that is at least THINNEST either way."""
        until = max(bar.until, bar.since + THINNEST)
        bottom = down(bar.range.least)
        top = min(down(bar.range.most), bottom - THINNEST)
        return f"M{bar.since:.1f} {top:.1f}H{until:.1f}V{bottom:.1f}H{bar.since:.1f}Z"

    scale = range(high, low - 1, -step)
    kind = "hold" if spec and spec.type == "hold" else "repetition"
    return MeasureChart(
        name=measure_words(name),
        bars="".join(map(drawn, bars)),
        attempts="".join(f"M{at:.1f} 0V{HEIGHT}" for at in of_side),
        scale=scale,
        lines="".join(f"M0 {down(degrees):.1f}H{WIDTH}" for degrees in scale),
        bounds=[Bound(words, f"{down(degrees):.1f}") for words, degrees in bounds.items()],
        text=f"{counted(len(bars), kind)}, {counted(len(of_side), 'attempt')}. "
        f"Least: {_told([one.least for one in ranges])}. "
        f"Most: {_told([one.most for one in ranges])}.",
    )


def _told(degrees: Sequence[float]) -> str:
    low, high = f"{min(degrees):.0f}°", f"{max(degrees):.0f}°"
    return low if low == high else f"{low} to {high}, {fmean(degrees):.0f}° in the mean"


def _bounds(name: str, spec: MoveSpec | None) -> Iterator[tuple[str, float]]:
    """The bounds that face the movement, such as (`bottom up to 100°`, 100); a hold's own."""
    if spec is None:
        return
    measure = name.split(".")[1]
    for angle in carried_angles(spec):
        if angle.measure == measure:
            yield f"{_names(angle.low_phases)} up to {angle.low_max:g}°", angle.low_max
            yield f"{_names(angle.high_phases)} from {angle.high_min:g}°", angle.high_min
    if spec.type == "hold":
        (held,) = spec.phases
        for criterion in held.criteria:
            if criterion.measure == measure and criterion.minimum > 0:
                yield f"{held.name} from {criterion.minimum:g}°", criterion.minimum
            if criterion.measure == measure and criterion.maximum < 180:
                yield f"{held.name} up to {criterion.maximum:g}°", criterion.maximum


def _names(phases: frozenset[str]) -> str:
    return " or ".join(sorted(phases))
