"""The swing of a movement between two ends: the end at which the body is, by its own range.

docs/engine.md gives the reason for each rule and the figures by which its settings were chosen.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import NamedTuple

from detection.engine.body import Body
from detection.engine.carriers import Carrier, Travel
from detection.engine.criteria import HeldCriterion
from detection.engine.settings import EngineSettings

START, END = -1, 1


class Edge(NamedTuple):
    """A criterion at one end of the movement, and its bound that faces the other end."""

    criterion: HeldCriterion
    degrees: float


class HeldCarrier:
    """A carrier's part of the way, in degrees from the band of the start.

    It is 0 at the edge of that band, and `gap` at the edge of the other band.
    """

    __slots__ = ("_end", "_start", "_start_is_low", "gap")

    def __init__(self, carrier: Carrier, body: Body) -> None:
        self.gap = carrier.gap
        self._start_is_low = carrier.is_low_at_start
        low = [Edge(body.hold(c), c.maximum) for c in carrier.low]
        high = [Edge(body.hold(c), c.minimum) for c in carrier.high]
        self._start, self._end = (low, high) if self._start_is_low else (high, low)
        if carrier.is_one_angle:
            # The edge of the start says all.
            self._end = []

    def is_low_at(self, end: int) -> bool:
        return self._start_is_low == (end == START)

    def degrees(self) -> tuple[float | None, float | None]:
        """The angle that its low end judges, and the one that its high end does."""
        if not self._end:
            degrees = self._start[0].criterion.degrees(self._start_is_low)
            return degrees, degrees
        low, high = (self._start, self._end) if self._start_is_low else (self._end, self._start)
        return _worst(low, is_low=True), _worst(high, is_low=False)

    def part(self) -> float | None:
        """The part of the way, None while no angle of it is known."""
        from_start = _excess(self._start, self._start_is_low)
        if not self._end:
            return from_start
        from_end = _excess(self._end, not self._start_is_low)
        if from_end is None:
            return from_start
        if from_start is None:
            return self.gap - from_end
        return (from_start + self.gap - from_end) / 2


def _worst(edges: Sequence[Edge], *, is_low: bool) -> float | None:
    """The angle of the criterion that is farthest from that end; None while one is not known."""
    known = [criterion.degrees(is_low) for criterion, _ in edges]
    degrees = [one for one in known if one is not None]
    if len(degrees) < len(known):
        return None
    return max(degrees) if is_low else min(degrees)


def _excess(edges: Sequence[Edge], is_low: bool) -> float | None:
    """The degrees beyond the bound, below 0 within it, of the criterion farthest from holding."""
    worst: float | None = None
    for criterion, bound in edges:
        degrees = criterion.degrees(is_low)
        if degrees is None:
            return None
        excess = degrees - bound if is_low else bound - degrees
        if worst is None or excess > worst:
            worst = excess
    return worst


@dataclass(slots=True, eq=False)
class SwingState:
    # Where the body was last, 0 while unknown.
    end: int = 0
    since_ms: float | None = None
    # The farthest point there, and the part of each carrier in it.
    farthest: float = 0.0
    farthest_parts: list[float] = field(default_factory=list)
    # The farthest point of the stay at the other end, from where it came.
    origin: float = 0.0
    # The turning points, each more than least_swing from the last: `way` is the direction.
    way: int = 0
    turns: int = 0
    top: float | None = None
    bottom: float | None = None
    recent: list[float] = field(default_factory=list)


class Swing(SwingState):
    """The swing between START and END.

    `away` is how far the body has come from its farthest point there, in degrees of all carriers
    together.
    """

    __slots__ = (
        "_enter_ms",
        "_gap",
        "_least_parts",
        "_least_swing",
        "_settings",
        "_strict_ends",
        "away",
        "beyond",
        "carriers",
        "is_known",
        "needed",
        "travel",
    )

    def __init__(
        self, travel: Travel, body: Body, strict: frozenset[str], settings: EngineSettings
    ) -> None:
        self.travel = travel
        self.carriers = [HeldCarrier(carrier, body) for carrier in travel.carriers]
        self._gap = travel.gap
        self._settings = settings.swing
        self._least_swing = settings.swing.least_swing(self._gap)
        self._least_parts = [settings.swing.least_swing_share * c.gap for c in self.carriers]
        self._strict_ends = {
            START: travel.start <= strict,
            END: travel.end <= strict,
        }
        self._enter_ms = settings.phase.enter_ms
        self.away = 0.0
        self.beyond = 0.0
        self.needed = self._gap
        self.is_known = False
        self.forget()

    def forget(self) -> None:
        SwingState.__init__(self)

    def measure(self, now_ms: float) -> None:
        parts = []
        for carrier in self.carriers:
            part = carrier.part()
            if part is None:
                self.is_known = False
                self.since_ms = None
                return
            parts.append(part)
        self.is_known = True
        position = parts[0] if len(parts) == 1 else sum(parts)
        self._follow_turns(position)
        if self.end:
            self._follow_stay(position, parts, now_ms)
        else:
            self._find_end(position, parts, now_ms)
        self.away = abs(position - self.farthest) if self.end else 0.0
        self.beyond = position if self.end == START else self._gap - position

    def check(self) -> None:
        """Raise ValueError for a state that this swing can't have."""
        if self.end not in (START, 0, END) or self.way not in (-1, 0, 1):
            raise ValueError("Not an end, or not a way.")
        if self.end and len(self.farthest_parts) != len(self.carriers):
            raise ValueError("Not the parts of so many angles.")
        if None in self.farthest_parts or None in self.recent:
            raise ValueError("Not the degrees of a swing.")
        self.needed = self._needed(-self.end)

    def _follow_turns(self, position: float) -> None:
        top = position if self.top is None else self.top
        bottom = position if self.bottom is None else self.bottom
        if self.way >= 0 and position > top:
            top = position
        if self.way <= 0 and position < bottom:
            bottom = position
        way = 0
        if self.way >= 0 and top - position >= self._least_swing:
            way = -1
        elif self.way <= 0 and position - bottom >= self._least_swing:
            way = 1
        if way:
            if self.way:
                self.recent = [*self.recent, top - bottom][-self._settings.recent_swings :]
                self.needed = self._needed(-self.end)
            self.way = way
            self.turns += 1
            if way > 0:
                top = position
            else:
                bottom = position
        self.top, self.bottom = top, bottom

    def _find_end(self, position: float, parts: list[float], now_ms: float) -> None:
        """Find the end by the bands, or by a whole swing of a person who reaches no band."""
        end = START if position <= 0.0 else END if position >= self._gap else 0
        if not end and self.turns >= 2 and self.top is not None and self.bottom is not None:
            self._arrive(-self.way, self.top if self.way < 0 else self.bottom, parts)
            return
        if not end:
            self.since_ms = None
        elif self.since_ms is None:
            self.since_ms = now_ms
        elif now_ms - self.since_ms >= self._enter_ms:
            self._arrive(end, position, parts)

    def _follow_stay(self, position: float, parts: list[float], now_ms: float) -> None:
        end = self.end
        if (position - self.farthest) * end >= 0.0:
            self.farthest = position
            self.farthest_parts = parts
            if self._strict_ends[end]:
                self.needed = self._needed(-end)
        if not self._has_come(position, parts):
            self.since_ms = None
        elif self.since_ms is None:
            self.since_ms = now_ms
        elif now_ms - self.since_ms >= self._enter_ms:
            self._arrive(-end, position, parts)

    def _needed(self, end: int) -> float:
        """The degrees that the body must come from one end to be at the other."""
        if end and self._strict_ends[end]:
            return self._least_swing
        if len(self.recent) < self._settings.range_swings:
            return max(self._gap, self._least_swing)
        usual = median(self.recent)
        if end and self._strict_ends[-end]:
            # What came to a strict end counts, however far is usual, and so does the way back.
            usual = min(usual, abs(self.farthest - self.origin))
        return max(self._least_swing, self._settings.swing_share * usual)

    def _has_come(self, position: float, parts: list[float]) -> bool:
        """Whether the body has come to the other end, each carrier by its least share."""
        end = self.end
        return (self.farthest - position) * end >= self.needed and all(
            (before - part) * end >= least
            for before, part, least in zip(
                self.farthest_parts, parts, self._least_parts, strict=True
            )
        )

    def _arrive(self, end: int, position: float, parts: list[float]) -> None:
        self.origin = self.farthest if self.end else position
        self.end = end
        self.since_ms = None
        self.farthest = position
        self.farthest_parts = parts
        self.needed = self._needed(-end)

    def reach(self) -> float:
        """The nearness to the band of the end: 1 within it, 0 a gap and more away."""
        return 1.0 - min(max(self.beyond, 0.0) / self._gap, 1.0)

    def is_before(self, edges: Sequence[tuple[int, float]], end: int, margin: float) -> bool:
        """Whether the body, outside the band of an end, has come past none of these edges by the
        margin: of carriers by their number, in degrees."""
        if self.beyond <= 0.0:
            return False
        for number, edge in edges:
            carrier = self.carriers[number]
            is_low = carrier.is_low_at(end)
            low, high = carrier.degrees()
            degrees = low if is_low else high
            if degrees is not None:
                past = edge - degrees if is_low else degrees - edge
                if past > margin:
                    return False
        return True
