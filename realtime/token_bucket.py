"""A token bucket: `capacity` tokens at once, and `per_second` more each second."""

import time


class TokenBucket:
    def __init__(self, capacity: float, per_second: float) -> None:
        self._capacity = self._tokens = capacity
        self._per_second = per_second
        self._filled_at = time.monotonic()

    def take(self) -> bool:
        """Take one token; False where none is left."""
        now = time.monotonic()
        refill = (now - self._filled_at) * self._per_second
        self._tokens = min(self._capacity, self._tokens + refill)
        self._filled_at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True
