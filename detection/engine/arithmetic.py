"""The arithmetic that all parts share: rounded numbers, extremes, and how long something holds."""

from math import floor
from typing import Any, Final

# What is remembered from frame to frame is rounded, since most of a stored state is digits.
PLACE_STEPS: Final = 1e5  # of a metre, for places, and of a square metre
# Of a metre, for running means: at 240 frames a second each moves by little.
LENGTH_STEPS: Final = 1e6
DEGREE_STEPS: Final = 1e4  # as finely as a frame's own angle
SHARE_STEPS: Final = 1e6  # of the gap of a movement, which is a few tens of degrees
# Of a degree, in events and in the extremes that are judged, so that both agree.
TOLD_STEPS: Final = 10.0
# Values beyond this limit cannot come from a body.
MAX_VALUE: Final = 1e6


def rounded(value: float, steps: float) -> float:
    """The nearest of so many `steps` of its unit."""
    if -MAX_VALUE < value < MAX_VALUE:
        return float(floor(value * steps + 0.5)) / steps
    return value


def rounded_degrees(degrees: float) -> float:
    return round(degrees, 1)


def rounded_share(share: float) -> float:
    return round(share, 3)


def extreme(one: Any, other: Any, is_most: bool) -> Any:
    """The most of two numbers, or the least; the known one where the other is None."""
    if one is None or other is None:
        return other if one is None else one
    return one if (one > other) == is_most else other


def since(begun_ms: float | None, now_ms: float, holds: bool) -> float | None:
    """Since when something holds: `begun_ms` if it held in the frame before; None if it does
    not."""
    if not holds:
        return None
    return now_ms if begun_ms is None else begun_ms


def has_lasted(begun_ms: float | None, now_ms: float, ms: float) -> bool:
    return begun_ms is not None and now_ms - begun_ms >= ms
