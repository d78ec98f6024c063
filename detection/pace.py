"""The pace of people, by which a movement is told from an error, and a phase from its passing."""

from typing import Final

# The fastest repetitions of people in recordings turn a joint by 400 degrees a second.
FASTEST_DEGREES_PER_MS: Final = 0.4
# So long must what a phase asks for hold before the phase is entered.
ENTER_MS: Final = 30.0
