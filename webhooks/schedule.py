"""When a message is tried, and when its endpoint is given up."""

from datetime import timedelta
from typing import Final

# Of a try, from the look-up of the name to the headers of the answer.
TIMEOUT: Final = timedelta(seconds=10)
# Before the second try, the third, and so on: 28 hours in all.
WAITS: Final = tuple(
    timedelta(seconds=seconds)
    for seconds in (5, 60, 300, 1_200, 3_600, 9_000, 18_000, 28_800, 39_600)
)
MAX_TRIES: Final = len(WAITS) + 1
# By so much of itself a wait is shorter or longer: what failed together does not come together.
JITTER: Final = 0.1
# An endpoint is disabled once every try of that time has failed: at least ten, of three messages.
FAILS_FOR: Final = timedelta(days=5)
# A failure so long after the last one begins the five days anew. Tries of a message are closer.
SILENCE: Final = timedelta(days=1)
FAILED_TRIES: Final = 10
FAILED_MESSAGES: Final = 3
