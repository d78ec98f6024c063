"""The grid of cross-validation: settings of the engine, and bounds of the catalogue."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from typing import Any

from detection import Criterion, EngineSettings, MoveSpec

from .cross_validation import Choice
from .engine_runs import SHIPPED, catalogue

# Each with the values tried: that which ships first, so that of equals it is taken.
SETTINGS: dict[str, tuple[Any, ...]] = {
    "swing_share": (0.6, 0.5),
    "recent_swings": (4, 2),
}
# By how many degrees the bounds between the two phases of a MoveSpec are moved.
SHIFTS = (0.0, -10.0, 10.0)


def choices() -> list[Choice]:
    """Every choice of settings with every choice of bounds; what ships is the first of each."""
    return [
        Choice(exercise, settings, shifted)
        for settings in all_settings()
        for exercise, spec in catalogue().items()
        for shifted in with_other_bounds(spec)
    ]


def all_settings() -> Iterator[EngineSettings]:
    for values in product(*SETTINGS.values()):
        yield replace(
            SHIPPED, swing=replace(SHIPPED.swing, **dict(zip(SETTINGS, values, strict=True)))
        )


def with_other_bounds(spec: MoveSpec) -> Iterator[MoveSpec]:
    """The MoveSpec, and, where it has two phases that the first criterion tells apart, the same
    with the two bounds that face each other moved."""
    lower, upper = sorted(spec.phases, key=lambda phase: phase.criteria[0].angle_max)[:2]
    low, high = lower.criteria[0], upper.criteria[0]
    if len(spec.phases) != 2 or low.measure != high.measure or low.angle_max >= high.angle_min:
        yield spec
        return
    for down, up in product(SHIFTS, SHIFTS):
        end, start = low.angle_max + down, high.angle_min + up
        if low.angle_min < end < start < high.angle_max:
            yield _with_first(
                spec,
                {
                    lower.name: replace(low, angle_max=end),
                    upper.name: replace(high, angle_min=start),
                },
            )


def _with_first(spec: MoveSpec, criteria: dict[str, Criterion]) -> MoveSpec:
    return replace(
        spec,
        phases=tuple(
            replace(phase, criteria=(criteria[phase.name], *phase.criteria[1:]))
            for phase in spec.phases
        ),
    )
