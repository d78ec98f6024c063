"""The angles of a recording over time, as an engine measured them."""

from collections.abc import Mapping, Sequence
from math import nan

from detection import Criterion, Joint
from detection.engine.body import Curve

LEFT: Curve = "left"
RIGHT: Curve = "right"
PAIR: Curve = "pair"

# What `Engine.angles` tells after a frame.
Angles = Mapping[tuple[Joint, Curve], float]


def joints_of(criteria: Sequence[Criterion]) -> dict[Joint, tuple[Curve, ...]]:
    """The joints that criteria name, each with the curves that tell how they are held."""
    found: dict[Joint, set[Curve]] = {}
    for criterion in criteria:
        curves = found.setdefault(criterion.joint, set())
        match criterion.side:
            case "left" | "right":
                curves.add(criterion.side)
            case None:
                curves.update((LEFT, RIGHT, PAIR))
            case _:
                curves.update((LEFT, RIGHT))
    order = (LEFT, RIGHT, PAIR)
    return {joint: tuple(name for name in order if name in found[joint]) for joint in found}


def angle_series(angles: Sequence[Angles], joint: Joint, curve: Curve) -> list[float]:
    """Degrees at each frame; NaN where the engine knew none."""
    return [known.get((joint, curve), nan) for known in angles]
