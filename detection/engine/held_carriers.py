"""The carriers of a movement as measured on a body: how far each has come from one end."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from detection.engine.body import Body
from detection.engine.carriers import Carrier
from detection.engine.criteria import HeldCriterion
from detection.engine.rounding import SHARE_STEPS, rounded
from detection.spec import Measure

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


@dataclass(slots=True, eq=False)
class MovingSidesState:
    # Of each side its own farthest share in the stay at an end, None while it was not seen there.
    farthest: list[float | None] = field(default_factory=list)
    # The share of each when the body had come farthest from there.
    tried: list[float | None] = field(default_factory=list)


class MovingSides(MovingSidesState):
    """The sides of the pairs that carry a movement, each of which must go `least` of its gap. Of
    one that is not seen at an end, or not on the way, nothing is asked."""

    __slots__ = ("_carriers", "_least", "_measures", "_shares")

    def __init__(self, carriers: Sequence[Carrier], body: Body, least: float) -> None:
        self._carriers = [HeldCarrier(carrier, body) for carrier in carriers]
        self._measures = [carrier.measure for carrier in carriers]
        self._least = least
        self._shares: list[float | None] = []
        self.forget()

    def __bool__(self) -> bool:
        return bool(self._carriers)

    def forget(self) -> None:
        MovingSidesState.__init__(self)

    def check(self) -> None:
        """Raise ValueError for a state that is not of so many sides."""
        if not {len(self.farthest), len(self.tried)} <= {0, len(self._carriers)}:
            raise ValueError("Not the shares of so many sides.")

    def measure(self) -> None:
        shares = [carrier.share() for carrier in self._carriers]
        self._shares = [None if one is None else rounded(one, SHARE_STEPS) for one in shares]

    def are_off(self, end: int) -> bool:
        """Whether each is off the band of an end, by the share that it must go from there."""
        edge = 0.0 if end == START else 1.0
        return all(share is None or (edge - share) * end >= self._least for share in self._shares)

    def arrive(self) -> None:
        self.farthest, self.tried = self._shares, []

    def stay(self, end: int) -> None:
        """Follow how far each is at an end."""
        if self.farthest:
            self.farthest = [
                _farther(before, now, end)
                for before, now in zip(self.farthest, self._shares, strict=True)
            ]

    def note_try(self) -> None:
        self.tried = self._shares

    def forget_try(self) -> None:
        self.tried = []

    def have_come(self, end: int) -> bool:
        """Whether each has come from an end."""
        return all(way >= self._least for _, way in self._ways(self._shares, end))

    def behind(self, end: int) -> tuple[Measure, float] | None:
        """The side that stayed behind most as the other moved away from an end: what of, and by how
        much in its unit."""
        ways = list(self._ways(self.tried, end))
        if all(way < self._least for _, way in ways):
            return None
        most, found = 0.0, None
        for number, way in ways:
            lack = (self._least - way) * self._carriers[number].gap
            if lack > most:
                most, found = lack, (self._measures[number], lack)
        return found

    def _ways(self, shares: Sequence[float | None], end: int) -> Iterator[tuple[int, float]]:
        """How far each that is seen has gone from its farthest point, by its number."""
        for number, (before, now) in enumerate(zip(self.farthest, shares, strict=False)):
            if before is not None and now is not None:
                yield number, (before - now) * end


def _farther(one: float | None, other: float | None, end: int) -> float | None:
    if one is None or other is None:
        return other if one is None else one
    return one if (one - other) * end >= 0.0 else other


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
