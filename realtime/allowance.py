"""A token bucket: so much at once, and so much more each second."""

import time


class Allowance:
    def __init__(self, most: float, a_second: float) -> None:
        self._most = self._left = most
        self._a_second = a_second
        self._at = time.monotonic()

    def spend(self) -> bool:
        """Take one; False where none is left."""
        now = time.monotonic()
        self._left = min(self._most, self._left + (now - self._at) * self._a_second)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True
