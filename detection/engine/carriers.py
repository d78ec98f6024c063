"""The carriers of a MoveSpec: the angles that carry its movement. The others are gates.

An angle carries the movement between the phase that bounds it lowest and the one that bounds it
highest, when no pose meets both bands. A phase whose band lies within the lowest or the highest,
or around it, is at that end too; where it asks for other sides, the angle carries nothing. All
angles with the same phases at their ends carry together.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from detection.overlap import can_hold_at_once
from detection.spec import BODY_SIDES, BodySide, Criterion, Measure, MoveSpec, Phase, Side

Span = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Carrier:
    """An angle that is small at one end of the movement and large at the other: by the criteria
    of the phase that bounds it lowest, and of the one that bounds it highest."""

    low: tuple[Criterion, ...]
    high: tuple[Criterion, ...]
    is_low_at_start: bool

    @property
    def measure(self) -> Measure:
        return self.low[0].measure

    @property
    def is_one_signal(self) -> bool:
        """Whether both ends ask for one and the same signal."""
        sides = {criterion.side for criterion in (*self.low, *self.high)}
        return len(sides) == 1 and not sides & {"both", "either"}

    @property
    def gap(self) -> float:
        """The degrees between the tightest bands of the two phases."""
        return max(c.minimum for c in self.high) - min(c.maximum for c in self.low)

    def of_side(self, side: BodySide) -> "Carrier":
        """The same angle of one side."""
        return replace(
            self,
            low=tuple(replace(criterion, side=side) for criterion in self.low),
            high=tuple(replace(criterion, side=side) for criterion in self.high),
        )


@dataclass(frozen=True, slots=True)
class Travel:
    """A movement between two ends: the names of the phases at each, and its carriers. With
    `both_move` each side of a pair must move."""

    start: frozenset[str]
    end: frozenset[str]
    carriers: tuple[Carrier, ...]
    both_move: bool = False

    @property
    def gap(self) -> float:
        """The degrees between the bands of the two ends, of all carriers together."""
        return sum(carrier.gap for carrier in self.carriers)

    @property
    def moving_sides(self) -> tuple[Carrier, ...]:
        """The two sides of each pair, if both must move: the left one first."""
        return tuple(
            carrier.of_side(side)
            for carrier in self.carriers
            if self.both_move and carrier.measure != "trunk"
            for side in BODY_SIDES
        )

    def carries(self, phase: Phase, measure: Measure) -> bool:
        """Whether the movement judges the criteria of this phase on this angle."""
        return phase.name in self.start | self.end and any(
            carrier.measure == measure for carrier in self.carriers
        )


def find_travels(spec: MoveSpec) -> list[Travel]:
    """The movements of a MoveSpec, by the phases that its sequence uses."""
    used = used_phases(spec)
    travels: dict[frozenset[frozenset[str]], Travel] = {}
    for measure in dict.fromkeys(c.measure for phase in used for c in phase.criteria):
        found = _ends_of(measure, used)
        if found is None:
            continue
        low, high, carrier_low, carrier_high = found
        ends = frozenset((low, high))
        known = travels.get(ends, Travel(low, high, (), spec.both_move))
        carrier = Carrier(carrier_low, carrier_high, known.start == low)
        travels[ends] = replace(known, carriers=(*known.carriers, carrier))
    return list(travels.values())


def find_conditions(spec: MoveSpec) -> list[Criterion]:
    """The conditions: the band of each gate that every phase of the sequence bounds.

    The band is wide enough for all of them, and for the way between the phases.
    """
    used = used_phases(spec)
    if not used or spec.throughout is not None:
        return []
    travels = find_travels(spec)
    conditions = []
    for first in used[0].criteria:
        if any(travel.carries(phase, first.measure) for travel in travels for phase in used):
            continue
        alike = [
            [c for c in phase.criteria if (c.measure, c.side) == (first.measure, first.side)]
            for phase in used
        ]
        if all(alike):
            same = [criterion for criteria in alike for criterion in criteria]
            low, high = min(c.minimum for c in same), max(c.maximum for c in same)
            conditions.append(Criterion(first.measure, first.side, low, high))
    return list(dict.fromkeys(conditions))


def used_phases(spec: MoveSpec) -> list[Phase]:
    return [phase for phase in spec.phases if phase.name in spec.sequence]


def _ends_of(
    measure: Measure, phases: Sequence[Phase]
) -> tuple[frozenset[str], frozenset[str], tuple[Criterion, ...], tuple[Criterion, ...]] | None:
    bounding = {
        phase.name: criteria
        for phase in phases
        if (criteria := tuple(c for c in phase.criteria if c.measure == measure))
    }
    if len(bounding) < 2:
        return None
    spans = {name: _span(criteria) for name, criteria in bounding.items()}
    lowest = min(bounding, key=lambda name: (spans[name][1], spans[name][0]))
    highest = max(bounding, key=lambda name: spans[name])
    low, high = bounding[lowest], bounding[highest]
    if Carrier(low, high, True).gap <= 0 or can_hold_at_once(
        Phase("", None, low), Phase("", None, high)
    ):
        return None
    at_low = frozenset(name for name in spans if _is_nested(spans[name], spans[lowest]))
    at_high = frozenset(name for name in spans if _is_nested(spans[name], spans[highest]))
    if at_low & at_high or not (
        all(_sides(bounding[name]) == _sides(low) for name in at_low)
        and all(_sides(bounding[name]) == _sides(high) for name in at_high)
    ):
        return None
    return at_low, at_high, low, high


def _sides(criteria: Sequence[Criterion]) -> frozenset[Side | None]:
    return frozenset(criterion.side for criterion in criteria)


def _span(criteria: Sequence[Criterion]) -> Span:
    return min(c.minimum for c in criteria), max(c.maximum for c in criteria)


def _is_nested(one: Span, other: Span) -> bool:
    def is_within(inner: Span, outer: Span) -> bool:
        return outer[0] <= inner[0] and inner[1] <= outer[1]

    return is_within(one, other) or is_within(other, one)
