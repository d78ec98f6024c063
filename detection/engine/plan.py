"""The plan of a MoveSpec: all that is known of it before any frame."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import combinations
from typing import Final

from detection.engine.body import measure_names
from detection.engine.driving import (
    DrivingAngle,
    RangeOfMotion,
    find_conditions,
    find_motions,
    used_phases,
)
from detection.overlap import can_hold_at_once
from detection.spec import (
    BODY_SIDES,
    BodySide,
    Criterion,
    Measure,
    MoveSpec,
    Phase,
)

# A MoveSpec of two phases takes a few kilobytes, the largest 60.
MAX_PLANS: Final = 256


# The edge of a posture's band that faces an end: by the number of each driving angle, in degrees.
# Whoever is outside the end's band, and past none of these edges, is still in the posture or before
# it.
Edges = tuple[tuple[int, float], ...]


@dataclass(frozen=True, slots=True)
class CounterPlan:
    """The plan of what is counted together: of the whole body, or of one `side`; or of the one in
    front, which `leads`.

    `spec` has the criteria as they are of that side. `measured` are those of which events tell how
    far their measures went. `directions` are of each such measure, as events name it: whether it is
    farthest at its least (-1) or at its most (1), or carries nothing (0). `conditions` are those
    inferred, with their paths. `exclusive` are, for each phase, the numbers of the phases that can
    never hold together with it: of those that the sequence uses, or of those that it does not.
    `postures` are of each motion and phase at an end the edges of the phases between.
    """

    side: BodySide | None
    spec: MoveSpec
    measured: tuple[Criterion, ...]
    directions: dict[str, int]
    motions: tuple[RangeOfMotion, ...]
    conditions: tuple[tuple[str, Criterion], ...]
    exclusive: tuple[tuple[int, ...], ...]
    postures: tuple[dict[str, tuple[Edges, ...]], ...]
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

    return replace(
        spec,
        phases=tuple(
            replace(phase, criteria=tuple(map(sided, phase.criteria))) for phase in spec.phases
        ),
        throughout=spec.throughout
        and tuple(replace(one, criterion=sided(one.criterion)) for one in spec.throughout),
        checks=tuple(replace(one, criterion=sided(one.criterion)) for one in spec.checks),
        feedback=tuple(
            replace(cue, criterion=cue.criterion and sided(cue.criterion)) for cue in spec.feedback
        ),
    )


def driving_angles(spec: MoveSpec) -> list[DrivingAngle]:
    """The angles that drive the movement of a MoveSpec; where each side is counted, of both."""
    return [
        angle
        for counter in plan_of(spec).counters
        for motion in counter.motions
        for angle in motion.angles
    ]


def _counter_plan(side: BodySide | None, spec: MoveSpec) -> CounterPlan:
    motions = find_motions(spec)
    sides = [angle for motion in motions for angle in motion.moving_sides]
    measured = (*_deciding(spec), *(angle.low[0] for angle in sides))
    exclusive: list[list[int]] = [[] for _ in spec.phases]
    is_used = [phase.name in spec.sequence for phase in spec.phases]
    for one, other in combinations(range(len(spec.phases)), 2):
        if is_used[one] != is_used[other]:
            continue  # each goes by its own rule, and neither ends the other
        if not can_hold_at_once(spec.phases[one], spec.phases[other]):
            exclusive[one].append(other)
            exclusive[other].append(one)
    return CounterPlan(
        side,
        spec,
        measured,
        _directions_of(spec, motions, measured),
        tuple(motions),
        tuple((_path_of(condition, spec), condition) for condition in find_conditions(spec)),
        tuple(map(tuple, exclusive)),
        tuple(_postures_of(motion, used_phases(spec)) for motion in motions),
    )


def _directions_of(
    spec: MoveSpec, motions: Iterable[RangeOfMotion], measured: Iterable[Criterion]
) -> dict[str, int]:
    """The farthest is at the end of the movement that the last step is not at."""
    driven: dict[Measure, int] = {}
    for motion in motions:
        is_far_start = spec.sequence[-1] not in motion.start
        for angle in motion.angles:
            driven[angle.measure] = -1 if angle.is_low_at_start == is_far_start else 1
    return {
        name: driven.get(criterion.measure, 0)
        for criterion in measured
        for name in measure_names(criterion)
    }


def _path_of(condition: Criterion, spec: MoveSpec) -> str:
    """The path of the first criterion of a condition that all phases demand."""
    return next(
        path
        for path, phase, one in spec.phase_criteria()
        if (one.measure, one.side) == (condition.measure, condition.side)
        and phase.name in spec.sequence
    )


def _postures_of(motion: RangeOfMotion, phases: list[Phase]) -> dict[str, tuple[Edges, ...]]:
    return {
        name: tuple(
            edges
            for phase in phases
            if phase.name not in motion.start | motion.end
            and (edges := _edges(motion, phase, is_start))
        )
        for names, is_start in ((motion.start, True), (motion.end, False))
        for name in names
    }


def _edges(motion: RangeOfMotion, phase: Phase, is_start: bool) -> Edges:
    """The edges of a phase's bands that face the start of the movement, or its other end."""
    edges = []
    for number, angle in enumerate(motion.angles):
        bands = [c for c in phase.criteria if c.measure == angle.measure]
        if bands:
            is_low = angle.is_low_at_start == is_start
            edge = max(c.minimum for c in bands) if is_low else min(c.maximum for c in bands)
            edges.append((number, edge))
    return tuple(edges)
