"""The driving angles of a MoveSpec, which carry its movement: by its text, and bound to a body.

docs/engine.md says which angles drive. One does not where a phase at an end asks for other sides.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from detection.engine.arithmetic import SHARE_STEPS, extreme, rounded
from detection.engine.body import Body
from detection.engine.criteria import BoundCriterion
from detection.overlap import can_hold_at_once
from detection.spec import BODY_SIDES, BodySide, Criterion, Measure, MoveSpec, Phase, Side

# The two ends of a movement.
START: Final = -1
END: Final = 1
Span = tuple[float, float]


@dataclass(frozen=True, slots=True)
class DrivingAngle:
    """An angle that is small at one end of the movement and large at the other.

    `low` are the criteria of the phase that bounds it lowest, and `low_phases` all phases at that
    end. `high` and `high_phases` are those of the other end.
    """

    low: tuple[Criterion, ...]
    low_phases: frozenset[str]
    high: tuple[Criterion, ...]
    high_phases: frozenset[str]
    is_low_at_start: bool

    @property
    def measure(self) -> Measure:
        return self.low[0].measure

    @property
    def low_max(self) -> float:
        """The movement is at its low end at so many degrees or less."""
        return min(criterion.maximum for criterion in self.low)

    @property
    def high_min(self) -> float:
        """The movement is at its high end at so many degrees or more."""
        return max(criterion.minimum for criterion in self.high)

    @property
    def low_side(self) -> Side | None:
        """The side that the low end asks for: None for the pair's angle, or for several."""
        return _only_side(self.low)

    @property
    def high_side(self) -> Side | None:
        return _only_side(self.high)

    @property
    def gap(self) -> float:
        """The degrees between the tightest bands of the two ends."""
        return self.high_min - self.low_max

    @property
    def is_one_signal(self) -> bool:
        """Whether both ends ask for one and the same signal."""
        sides = {criterion.side for criterion in (*self.low, *self.high)}
        return len(sides) == 1 and not sides & {"both", "either"}

    def of_side(self, side: BodySide) -> "DrivingAngle":
        return replace(
            self,
            low=tuple(replace(criterion, side=side) for criterion in self.low),
            high=tuple(replace(criterion, side=side) for criterion in self.high),
        )


@dataclass(frozen=True, slots=True)
class RangeOfMotion:
    """A movement between two ends: the names of the phases at each, and its driving angles. With
    `both_move` each side of a pair must move."""

    start: frozenset[str]
    end: frozenset[str]
    angles: tuple[DrivingAngle, ...]
    both_move: bool = False

    @property
    def gap(self) -> float:
        """The degrees between the bands of the two ends, of all angles together."""
        return sum(angle.gap for angle in self.angles)

    @property
    def moving_sides(self) -> tuple[DrivingAngle, ...]:
        """The two sides of each pair, if both must move: the left one first."""
        return tuple(
            angle.of_side(side)
            for angle in self.angles
            if self.both_move and angle.measure != "trunk"
            for side in BODY_SIDES
        )

    def end_of(self, phase: str) -> int:
        """The end that a phase is at, 0 for a posture."""
        return START if phase in self.start else END if phase in self.end else 0

    def is_driven_by(self, phase: Phase, measure: Measure) -> bool:
        """Whether the movement judges the criteria of this phase on this angle."""
        is_driving = any(angle.measure == measure for angle in self.angles)
        return is_driving and self.end_of(phase.name) != 0


def find_motions(spec: MoveSpec) -> list[RangeOfMotion]:
    """The movements of a MoveSpec, by the phases that its sequence uses."""
    used = used_phases(spec)
    motions: dict[frozenset[frozenset[str]], RangeOfMotion] = {}
    for measure in dict.fromkeys(c.measure for phase in used for c in phase.criteria):
        angle = _driving_angle(measure, used)
        if angle is None:
            continue
        ends = frozenset((angle.low_phases, angle.high_phases))
        known = motions.get(
            ends, RangeOfMotion(angle.low_phases, angle.high_phases, (), spec.both_move)
        )
        angle = replace(angle, is_low_at_start=known.start == angle.low_phases)
        motions[ends] = replace(known, angles=(*known.angles, angle))
    return list(motions.values())


def find_conditions(spec: MoveSpec) -> list[Criterion]:
    """The constraints that every phase of the sequence bounds, with the widest of their bands."""
    used = used_phases(spec)
    if not used or spec.throughout is not None:
        return []
    motions = find_motions(spec)
    conditions = []
    for first in used[0].criteria:
        if any(motion.is_driven_by(phase, first.measure) for motion in motions for phase in used):
            continue
        alike = [
            [c for c in phase.criteria if (c.measure, c.side) == (first.measure, first.side)]
            for phase in used
        ]
        if all(alike):
            low, high = _span([criterion for criteria in alike for criterion in criteria])
            conditions.append(Criterion(first.measure, first.side, low, high))
    return list(dict.fromkeys(conditions))


def used_phases(spec: MoveSpec) -> list[Phase]:
    return [phase for phase in spec.phases if phase.name in spec.sequence]


def _driving_angle(measure: Measure, phases: Sequence[Phase]) -> DrivingAngle | None:
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
    angle = DrivingAngle(
        bounding[lowest],
        frozenset(name for name in spans if _is_nested(spans[name], spans[lowest])),
        bounding[highest],
        frozenset(name for name in spans if _is_nested(spans[name], spans[highest])),
        True,
    )
    if (
        angle.gap <= 0
        or can_hold_at_once(Phase("", None, angle.low), Phase("", None, angle.high))
        or angle.low_phases & angle.high_phases
        or any(_sides(bounding[name]) != _sides(angle.low) for name in angle.low_phases)
        or any(_sides(bounding[name]) != _sides(angle.high) for name in angle.high_phases)
    ):
        return None
    return angle


def _sides(criteria: Sequence[Criterion]) -> frozenset[Side | None]:
    return frozenset(criterion.side for criterion in criteria)


def _only_side(criteria: Sequence[Criterion]) -> Side | None:
    sides = _sides(criteria)
    return next(iter(sides)) if len(sides) == 1 else None


def _span(criteria: Sequence[Criterion]) -> Span:
    return min(c.minimum for c in criteria), max(c.maximum for c in criteria)


def _is_nested(one: Span, other: Span) -> bool:
    def is_within(inner: Span, outer: Span) -> bool:
        return outer[0] <= inner[0] and inner[1] <= outer[1]

    return is_within(one, other) or is_within(other, one)


# A criterion at one end of the movement, and its bound that faces the other end.
_Edge = tuple[BoundCriterion, float]


class BoundAngle:
    """A driving angle's share of its gap: 0 at the edge of the start's band, and 1 at the edge of
    the other band. `gap` is in degrees."""

    __slots__ = ("_end", "_start", "_start_is_low", "gap")

    def __init__(self, angle: DrivingAngle, body: Body) -> None:
        self.gap = angle.gap
        self._start_is_low = angle.is_low_at_start
        low: list[_Edge] = [(body.bind(c), c.maximum) for c in angle.low]
        high: list[_Edge] = [(body.bind(c), c.minimum) for c in angle.high]
        self._start, self._end = (low, high) if self._start_is_low else (high, low)
        if angle.is_one_signal:
            # The edge of the start says all.
            self._end = []

    def is_low_at(self, end: int) -> bool:
        return self._start_is_low == (end == START)

    def values(self) -> tuple[float | None, float | None]:
        """The value that its low end judges, and the one that its high end does."""
        if not self._end:
            value = self._start[0][0].value(self._start_is_low)
            return value, value
        low, high = (self._start, self._end) if self._start_is_low else (self._end, self._start)
        return _worst(low, True), _worst(high, False)

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


def _worst(edges: Sequence[_Edge], is_low: bool) -> float | None:
    """The value of the criterion that is farthest from that end; None while one is not known."""
    worst: float | None = None
    for criterion, _ in edges:
        value = criterion.value(is_low)
        if value is None:
            return None
        worst = extreme(worst, value, is_low)
    return worst


def _excess(edges: Sequence[_Edge], is_low: bool) -> float | None:
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


@dataclass(slots=True, eq=False)
class MovingSidesState:
    # Of each side its own farthest share in the stay at an end, None while it was not seen there.
    farthest: list[float | None] = field(default_factory=list)
    # The share of each when the body had come farthest from there.
    tried: list[float | None] = field(default_factory=list)


class MovingSides(MovingSidesState):
    """The sides of the pairs that drive a movement, each of which must go `least` of its gap.
    Nothing is asked of a side that is not seen at an end, or not on the way. `shares` are those of
    this frame."""

    def __init__(self, angles: Sequence[DrivingAngle], body: Body, least: float) -> None:
        self._angles = [BoundAngle(angle, body) for angle in angles]
        self._measures = [angle.measure for angle in angles]
        self._least = least
        self.shares: list[float | None] = []
        MovingSidesState.__init__(self)

    def __bool__(self) -> bool:
        return bool(self._angles)

    def forget(self) -> None:
        MovingSidesState.__init__(self)

    def measure(self) -> None:
        shares = [angle.share() for angle in self._angles]
        self.shares = [None if one is None else rounded(one, SHARE_STEPS) for one in shares]

    def are_off(self, end: int) -> bool:
        """Whether each is off the band of an end, by the share that it must go from there."""
        edge = 0.0 if end == START else 1.0
        return all(share is None or (edge - share) * end >= self._least for share in self.shares)

    def stay(self, end: int) -> None:
        if self.farthest:
            self.farthest = [
                extreme(before, now, end == END)
                for before, now in zip(self.farthest, self.shares, strict=True)
            ]

    def have_come(self, end: int) -> bool:
        return all(way >= self._least for _, way in self._ways(self.shares, end))

    def behind(self, end: int) -> tuple[Measure, float] | None:
        """The side that stayed behind most as the other moved away from an end: its measure, and
        by how many degrees."""
        ways = list(self._ways(self.tried, end))
        if all(way < self._least for _, way in ways):
            return None
        most, found = 0.0, None
        for number, way in ways:
            lack = (self._least - way) * self._angles[number].gap
            if lack > most:
                most, found = lack, (self._measures[number], lack)
        return found

    def _ways(self, shares: Sequence[float | None], end: int) -> Iterator[tuple[int, float]]:
        """How far each that is seen has gone from its farthest point, by its number."""
        for number, (before, now) in enumerate(zip(self.farthest, shares, strict=False)):
            if before is not None and now is not None:
                yield number, (before - now) * end
