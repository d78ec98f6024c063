"""The angles of a recording over time, as the engine follows them."""

from collections.abc import Sequence
from math import nan

from detection import Criterion, Joint, PoseFrame
from detection.angles import FRESH_MS, SMOOTHING_MS, SideAngle

LEFT, RIGHT, PAIR = "left", "right", "pair"


def joints_of(criteria: Sequence[Criterion]) -> dict[Joint, tuple[str, ...]]:
    """The joints that criteria name, each with the curves that tell how they are held."""
    found: dict[Joint, set[str]] = {}
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


def angle_series(joint: Joint, frames: Sequence[PoseFrame]) -> dict[str, list[float]]:
    """Degrees of left, right and pair at each frame; NaN where the engine knows none."""
    left, right = SideAngle(joint, LEFT), SideAngle(joint, RIGHT)
    series: dict[str, list[float]] = {LEFT: [], RIGHT: [], PAIR: []}
    last_ms: float | None = None
    for frame in frames:
        now = frame.timestamp_ms
        keep = 0.0 if last_ms is None else SMOOTHING_MS / (SMOOTHING_MS + now - last_ms)
        last_ms = now
        for angle in (left, right):
            angle.measure(frame.landmarks, now, keep)
        series[LEFT].append(_degrees([left], now))
        series[RIGHT].append(_degrees([right], now))
        series[PAIR].append(_degrees([left, right], now))
    return series


def _degrees(angles: Sequence[SideAngle], now_ms: float) -> float:
    weight = sum(angle.weight for angle in angles)
    if weight <= 0.0 or all(now_ms - angle.seen_ms > FRESH_MS for angle in angles):
        return nan
    return sum(angle.weighted_sum for angle in angles) / weight
