"""The plan of a MoveSpec: all that is known of it before any frame."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import combinations
from typing import Final

from detection.engine.carriers import Travel, find_conditions, find_travels, used_phases
from detection.overlap import can_hold_at_once
from detection.spec import (
    BODY_SIDES,
    MOVEMENT,
    SEGMENT_LANDMARKS,
    BodySide,
    Check,
    Criterion,
    Cue,
    Measure,
    MoveSpec,
    Phase,
)

# A MoveSpec of two phases takes a few kilobytes, the largest 60.
MAX_PLANS: Final = 256


@dataclass(frozen=True, slots=True)
class Barrier:
    """The edge of another phase's band that faces an end: by the number of each carrier, degrees.

    Who is outside the end's band, and has not come past this edge of any carrier, is still in the
    other phase or before it.
    """

    edges: tuple[tuple[int, float], ...]


@dataclass(frozen=True, slots=True)
class CounterPlan:
    """The plan of what is counted together: of the whole body, or of one `side`; or of the one in
    front, which `leads`.

    `spec` has the criteria as they are of that side. `measured` are those of which events tell how
    far their measures went. `directions` are of each such measure, as events name it: whether it is
    farthest at its least (-1) or at its most (1), or carries nothing (0). `conditions` are those
    inferred, with their paths. `rivals` are, for each phase, the numbers of those that can never
    hold together with it: of what the sequence uses, or of what it does not. `barriers` are of each
    travel and phase at an end of it.
    """

    side: BodySide | None
    spec: MoveSpec
    measured: tuple[Criterion, ...]
    directions: dict[str, int]
    travels: tuple[Travel, ...]
    conditions: tuple[tuple[str, Criterion], ...]
    rivals: tuple[tuple[int, ...], ...]
    barriers: tuple[dict[str, tuple[Barrier, ...]], ...]
    leads: bool = False

    def side_led(self, led: int) -> BodySide | None:
        """The side that is counted while `led` leads: 1 left, -1 right, 0 neither."""
        if not self.leads or not led:
            return self.side
        return "left" if led > 0 else "right"


@dataclass(frozen=True, slots=True)
class Plan:
    """`deciding` are the criteria of the phases, which make a pose usable, and `advising` all
    others. `required` are those without which nothing counts."""

    counters: tuple[CounterPlan, ...]
    deciding: tuple[Criterion, ...]
    advising: tuple[Criterion, ...]
    required: tuple[Criterion, ...]


@lru_cache(maxsize=MAX_PLANS)
def plan_of(spec: MoveSpec) -> Plan:
    """The plan of a MoveSpec; the same MoveSpec's is made once."""
    if counts_the_leading_side(spec):
        counters = [replace(_counter_plan(None, spec), leads=True)]
    elif not spec.counts_each_side:
        counters = [_counter_plan(None, spec)]
    else:
        counters = [_counter_plan(side, _of_side(spec, side)) for side in BODY_SIDES]
    return Plan(
        tuple(counters),
        tuple(one for counter in counters for one in _deciding(counter.spec)),
        tuple(one for counter in counters for one in _advising(counter.spec)),
        tuple(_required(spec)),
    )


def counts_the_leading_side(spec: MoveSpec) -> bool:
    """Whether each side is counted by the one in front, which any criterion may name."""
    return spec.counts_each_side and any(
        criterion.side in ("front", "back") for criterion in (*_deciding(spec), *_advising(spec))
    )


def _deciding(spec: MoveSpec) -> Iterable[Criterion]:
    for phase in spec.phases:
        yield from phase.criteria


def _advising(spec: MoveSpec) -> Iterable[Criterion]:
    """Those of cues come first, as they did before there were others."""
    for cue in spec.feedback:
        if cue.criterion is not None:
            yield cue.criterion
    for condition in spec.throughout or ():
        yield condition.criterion
    for check in spec.checks:
        yield check.criterion
    if spec.setup is not None:
        yield from spec.setup.start


def _required(spec: MoveSpec) -> Iterable[Criterion]:
    needed = {step.phase for step in spec.steps if not step.is_optional}
    for phase in spec.phases:
        if phase.name in needed or spec.type == "hold":
            yield from phase.criteria
    if spec.setup is None or not spec.setup.visible:
        for condition in spec.throughout or ():
            yield condition.criterion
    for check in spec.checks:
        if check.is_required:
            yield check.criterion


def _of_side(spec: MoveSpec, side: BodySide) -> MoveSpec:
    def sided(criterion: Criterion) -> Criterion:
        return criterion if criterion.measure == "trunk" else replace(criterion, side=side)

    def of_check(check: Check) -> Check:
        return replace(check, criterion=sided(check.criterion))

    def of_cue(cue: Cue) -> Cue:
        return cue if cue.criterion is None else replace(cue, criterion=sided(cue.criterion))

    return replace(
        spec,
        phases=tuple(
            replace(phase, criteria=tuple(map(sided, phase.criteria))) for phase in spec.phases
        ),
        throughout=spec.throughout
        and tuple(replace(one, criterion=sided(one.criterion)) for one in spec.throughout),
        checks=tuple(map(of_check, spec.checks)),
        feedback=tuple(map(of_cue, spec.feedback)),
    )


def _counter_plan(side: BodySide | None, spec: MoveSpec) -> CounterPlan:
    travels = find_travels(spec)
    sides = [carrier for travel in travels for carrier in travel.moving_sides]
    measured = (*_deciding(spec), *(carrier.low[0] for carrier in sides))
    rivals: list[list[int]] = [[] for _ in spec.phases]
    is_used = [phase.name in spec.sequence for phase in spec.phases]
    for one, other in combinations(range(len(spec.phases)), 2):
        if is_used[one] != is_used[other]:
            continue  # each goes by its own rule, and neither ends the other
        if not can_hold_at_once(spec.phases[one], spec.phases[other]):
            rivals[one].append(other)
            rivals[other].append(one)
    return CounterPlan(
        side,
        spec,
        measured,
        _directions_of(spec, travels, measured),
        tuple(travels),
        tuple((_path_of(condition, spec), condition) for condition in find_conditions(spec)),
        tuple(map(tuple, rivals)),
        tuple(_barriers_of(travel, used_phases(spec)) for travel in travels),
    )


def _directions_of(
    spec: MoveSpec, travels: Iterable[Travel], measured: Iterable[Criterion]
) -> dict[str, int]:
    """The farthest is at the end of the movement that the last step is not at."""
    carried: dict[Measure, int] = {}
    for travel in travels:
        is_far_start = spec.sequence[-1] not in travel.start
        for carrier in travel.carriers:
            carried[carrier.measure] = -1 if carrier.is_low_at_start == is_far_start else 1
    return {
        name: carried.get(criterion.measure, 0)
        for criterion in measured
        for name in measure_names(criterion)
    }


def measure_names(criterion: Criterion) -> list[str]:
    """The names by which events tell of its measure: `joint.knee` of the pair and of the trunk,
    `joint.knee.left` of a side."""
    measure = criterion.measure
    name = f"{'lean' if measure in SEGMENT_LANDMARKS else 'joint'}.{measure}"
    if criterion.side is None:
        return [name]
    sides = [criterion.side] if criterion.side in BODY_SIDES else BODY_SIDES
    return [f"{name}.{side}" for side in sides]


def criterion_path(phase: int, criterion: int) -> str:
    return f"{MOVEMENT}.phases[{phase}].criteria[{criterion}]"


def _path_of(condition: Criterion, spec: MoveSpec) -> str:
    """The path of the first criterion of a condition that all phases demand."""
    return next(
        criterion_path(index, number)
        for index, phase in enumerate(spec.phases)
        for number, one in enumerate(phase.criteria)
        if (one.measure, one.side) == (condition.measure, condition.side)
        and phase.name in spec.sequence
    )


def _barriers_of(travel: Travel, phases: list[Phase]) -> dict[str, tuple[Barrier, ...]]:
    return {
        name: tuple(
            Barrier(edges)
            for phase in phases
            if phase.name not in travel.start | travel.end
            and (edges := _edges(travel, phase, is_start))
        )
        for ends, is_start in ((travel.start, True), (travel.end, False))
        for name in ends
    }


def _edges(travel: Travel, phase: Phase, is_start: bool) -> tuple[tuple[int, float], ...]:
    """The edges of a phase's bands that face the start of the movement, or its end."""
    edges = []
    for number, carrier in enumerate(travel.carriers):
        bands = [c for c in phase.criteria if c.measure == carrier.measure]
        if bands:
            is_low = carrier.is_low_at_start == is_start
            edge = max(c.minimum for c in bands) if is_low else min(c.maximum for c in bands)
            edges.append((number, edge))
    return tuple(edges)
