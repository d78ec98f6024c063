"""The plan of a MoveSpec: all that is known of it before any frame."""

from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from typing import Final

from detection.engine.carriers import Travel, find_conditions, find_travels, used_phases
from detection.overlap import can_hold_at_once
from detection.spec import Criterion, MoveSpec, Phase

# A MoveSpec of two phases takes a few kilobytes, the largest 60.
MOST_PLANS: Final = 256


@dataclass(frozen=True, slots=True)
class Barrier:
    """The edge of another phase's band that faces an end: by the number of each carrier, degrees.

    Who is outside the end's band, and has not come past this edge of any carrier, is still in the
    other phase or before it.
    """

    edges: tuple[tuple[int, float], ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """`rivals` are, for each phase, the numbers of those that can never hold together with it.
    `barriers` are of each travel and phase at an end of it."""

    travels: tuple[Travel, ...]
    conditions: tuple[Criterion, ...]
    rivals: tuple[tuple[int, ...], ...]
    barriers: tuple[dict[str, tuple[Barrier, ...]], ...]


@lru_cache(maxsize=MOST_PLANS)
def plan_of(spec: MoveSpec) -> Plan:
    """The plan of a MoveSpec; the same MoveSpec's is made once."""
    travels = find_travels(spec)
    rivals: list[list[int]] = [[] for _ in spec.phases]
    for one, other in combinations(range(len(spec.phases)), 2):
        if not can_hold_at_once(spec.phases[one], spec.phases[other]):
            rivals[one].append(other)
            rivals[other].append(one)
    return Plan(
        tuple(travels),
        tuple(find_conditions(spec)),
        tuple(map(tuple, rivals)),
        tuple(_barriers_of(travel, used_phases(spec)) for travel in travels),
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
