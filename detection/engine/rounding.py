"""Rounded numbers: what is remembered from frame to frame is stored at each checkpoint, and most of
a state's bytes are digits."""

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
# Beyond it no number is of a body, and a number may be as large as it likes.
MOST: Final = 1e6


def rounded(value: float, steps: float) -> float:
    """The nearest of so many `steps` of its unit."""
    if -MOST < value < MOST:
        return float(floor(value * steps + 0.5)) / steps
    return value
