"""The angles of a recording over time, as an engine measured them."""

from collections.abc import Mapping, Sequence
from math import nan

from detection import Criterion, Measure
from detection.engine.body import Curve

LEFT: Curve = "left"
RIGHT: Curve = "right"
PAIR: Curve = "pair"

# The result of `Engine.angles` after a frame.
Angles = Mapping[tuple[Measure, Curve], float]


def measures_of(criteria: Sequence[Criterion]) -> dict[Measure, tuple[Curve, ...]]:
    """The measures of criteria, each with the curves that are drawn for it."""
    found: dict[Measure, set[Curve]] = {}
    for criterion in criteria:
        curves = found.setdefault(criterion.measure, set())
        match criterion.side:
            case None if criterion.measure == "trunk":
                curves.add(PAIR)
            case "left" | "right":
                curves.add(criterion.side)
            case None:
                curves.update((LEFT, RIGHT, PAIR))
            case _:
                curves.update((LEFT, RIGHT))
    order = (LEFT, RIGHT, PAIR)
    return {
        measure: tuple(curve for curve in order if curve in curves)
        for measure, curves in found.items()
    }


def angle_series(angles: Sequence[Angles], measure: Measure, curve: Curve) -> list[float]:
    """Degrees at each frame; NaN where the engine knew none."""
    return [known.get((measure, curve), nan) for known in angles]
