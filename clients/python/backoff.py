"""The waits of a client before it tries again."""

import random
from collections.abc import Iterator


def backoff(shortest_seconds: float, longest_seconds: float) -> Iterator[float]:
    """Seconds to wait, without end: each time up to twice as long.

    They are random, so that clients which a restart cut off together come back apart.
    """
    seconds = shortest_seconds
    while True:
        yield seconds * random.uniform(0.5, 1.0)  # noqa: S311
        seconds = min(2 * seconds, longest_seconds)
