"""The angles that carry a movement, with the phases at their two ends."""

from collections.abc import Sequence
from dataclasses import dataclass

from detection.engine.plan import plan_of
from detection.spec import Criterion, Measure, MoveSpec, Side


@dataclass(frozen=True, slots=True)
class CarriedAngle:
    """An angle that carries the movement, with the phases at its two ends and their tightest bound.

    The movement is at its low end at `low_max` degrees or less, at its high end at `high_min` or
    more. `low_side` and `high_side` are the sides that the ends ask for; None is the pair's angle,
    or several sides by criteria of their own.
    """

    measure: Measure
    low_side: Side | None
    low_phases: frozenset[str]
    low_max: float
    high_side: Side | None
    high_phases: frozenset[str]
    high_min: float

    @property
    def gap(self) -> float:
        return self.high_min - self.low_max


def carried_angles(spec: MoveSpec) -> list[CarriedAngle]:
    """The angles that carry the movement of a MoveSpec; where each side is counted, of both."""
    return [
        CarriedAngle(
            measure=carrier.measure,
            low_side=_only_side(carrier.low),
            low_phases=travel.start if carrier.is_low_at_start else travel.end,
            low_max=min(criterion.maximum for criterion in carrier.low),
            high_side=_only_side(carrier.high),
            high_phases=travel.end if carrier.is_low_at_start else travel.start,
            high_min=max(criterion.minimum for criterion in carrier.high),
        )
        for counter in plan_of(spec).counters
        for travel in counter.travels
        for carrier in travel.carriers
    ]


def _only_side(criteria: Sequence[Criterion]) -> Side | None:
    sides = {criterion.side for criterion in criteria}
    return next(iter(sides)) if len(sides) == 1 else None
