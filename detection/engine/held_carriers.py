"""The carriers of a movement as measured on a body: how far each has come from one end."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from detection.engine.body import Body
from detection.engine.carriers import Carrier
from detection.engine.criteria import HeldCriterion

# The two ends of a movement.
START: Final = -1
END: Final = 1


class Edge(NamedTuple):
    """A criterion at one end of the movement, and its bound that faces the other end."""

    criterion: HeldCriterion
    value: float


class HeldCarrier:
    """A carrier's share of its gap: 0 at the edge of the start's band, and 1 at the edge of the
    other band. `gap` is in its unit."""

    __slots__ = ("_end", "_start", "_start_is_low", "gap")

    def __init__(self, carrier: Carrier, body: Body) -> None:
        self.gap = carrier.gap
        self._start_is_low = carrier.is_low_at_start
        low = [Edge(body.hold(c), c.maximum) for c in carrier.low]
        high = [Edge(body.hold(c), c.minimum) for c in carrier.high]
        self._start, self._end = (low, high) if self._start_is_low else (high, low)
        if carrier.is_one_signal:
            # The edge of the start says all.
            self._end = []

    def is_low_at(self, end: int) -> bool:
        return self._start_is_low == (end == START)

    def values(self) -> tuple[float | None, float | None]:
        """The value that its low end judges, and the one that its high end does."""
        if not self._end:
            value = self._start[0].criterion.value(self._start_is_low)
            return value, value
        low, high = (self._start, self._end) if self._start_is_low else (self._end, self._start)
        return _worst(low, is_low=True), _worst(high, is_low=False)

    def share(self) -> float | None:
        """The share of the way, None while no signal of it is known."""
        from_start = _excess(self._start, self._start_is_low)
        if not self._end:
            return None if from_start is None else from_start / self.gap
        from_end = _excess(self._end, not self._start_is_low)
        if from_end is None:
            return None if from_start is None else from_start / self.gap
        if from_start is None:
            return 1.0 - from_end / self.gap
        return (from_start + self.gap - from_end) / (2 * self.gap)


def _worst(edges: Sequence[Edge], *, is_low: bool) -> float | None:
    """The value of the criterion that is farthest from that end; None while one is not known."""
    known = [criterion.value(is_low) for criterion, _ in edges]
    values = [one for one in known if one is not None]
    if len(values) < len(known):
        return None
    return max(values) if is_low else min(values)


def _excess(edges: Sequence[Edge], is_low: bool) -> float | None:
    """How far the criterion that is farthest from holding is beyond its bound, below 0 within."""
    worst: float | None = None
    for criterion, bound in edges:
        value = criterion.value(is_low)
        if value is None:
            return None
        excess = value - bound if is_low else bound - value
        if worst is None or excess > worst:
            worst = excess
    return worst
