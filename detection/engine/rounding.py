"""The rounding of numbers: of those that are told, and of those that are remembered from frame to
frame, which each checkpoint stores: most of a state's bytes are digits."""

from math import floor
from typing import Final

# Of a metre, for places, and of a square metre.
PLACE_STEPS: Final = 1e5
# Of a metre, for what follows its frames in small steps: at 240 a second it moves by more.
LENGTH_STEPS: Final = 1e6
# As finely as a frame's own angle.
DEGREE_STEPS: Final = 1e4
# Of the gap of a movement, which is a few tens of degrees.
SHARE_STEPS: Final = 1e6
# Of a degree, in what is told and in the extremes that are judged: both say the same.
TOLD_STEPS: Final = 10.0
# Beyond it no number is of a body, and a number may be as large as it likes.
MOST: Final = 1e6


def rounded(value: float, steps: float) -> float:
    """The nearest of so many `steps` of its unit."""
    if -MOST < value < MOST:
        return float(floor(value * steps + 0.5)) / steps
    return value


def told_degrees(degrees: float) -> float:
    return round(degrees, 1)


def told_ms(ms: float) -> int:
    return round(ms)


def told_share(share: float) -> float:
    return round(share, 3)
