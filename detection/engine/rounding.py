"""Rounded numbers: what is remembered from frame to frame is stored at each checkpoint, and most of
a state's bytes are digits."""

from math import floor

# A hundredth of a millimetre, of what is in metres.
PLACE_STEPS = 1e5
# As finely as a frame's own angle.
DEGREE_STEPS = 1e4
# Beyond it no number is of a body, and a number may be as large as it likes.
MOST = 1e6


def rounded(value: float, steps: float) -> float:
    """The nearest of so many `steps` of its unit."""
    if -MOST < value < MOST:
        return float(floor(value * steps + 0.5)) / steps
    return value
