"""The bounds on connections without a session, and on messages that are not yet served.

A connection is *unattached* until its session is attached. If there are too many, the oldest is
closed. An unfinished message must come at a minimum pace. All that was received is bounded in size.
"""

import asyncio
import time
from collections.abc import Callable
from typing import ClassVar, Final

from kynaplatform.timing import MESSAGE_FIRST_SECONDS, MESSAGE_SECONDS, PACE_SECONDS
from realtime import metrics

MAX_UNATTACHED: Final = 1_000
MIN_BYTES_PER_SECOND: Final = 16_000
# Of all sockets of a process together. Beyond it the socket with the most is cut off.
MAX_RECEIVED_BYTES: Final = 128 * 1024 * 1024


class TokenBucket:
    """A bucket of `capacity` tokens that gains `per_second` each second."""

    def __init__(self, capacity: float, per_second: float) -> None:
        self._capacity = self._tokens = capacity
        self._per_second = per_second
        self._filled_at = time.monotonic()

    def take(self) -> bool:
        """Take one token. Returns False if none is left."""
        now = time.monotonic()
        refill = (now - self._filled_at) * self._per_second
        self._tokens = min(self._capacity, self._tokens + refill)
        self._filled_at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


# The unattached transports of this process, oldest first.
unattached: dict[asyncio.Transport, None] = {}


def add_unattached(transport: asyncio.Transport) -> None:
    unattached[transport] = None
    if len(unattached) > MAX_UNATTACHED:
        oldest = next(iter(unattached))
        del unattached[oldest]
        oldest.abort()


class ReceivedData:
    """What a socket has received and not yet served: whole messages, and the part of the next one.

    `cut` closes the socket with a reason.
    """

    # Of all sockets of this process.
    _all: ClassVar[set["ReceivedData"]] = set()
    _all_bytes: ClassVar[int] = 0

    def __init__(self, cut: Callable[[str], None]) -> None:
        self._cut = cut
        self._size = 0
        self._part_size = 0
        # Since when the part is received; None while the client is not read from.
        self._since: float | None = None
        self._check: asyncio.TimerHandle | None = None

    def note(self, whole_bytes: int, part_bytes: int, is_read: bool) -> None:
        """Note the size of the whole messages and of the part, and whether more are read."""
        self._part_size = part_bytes
        self._set_size(whole_bytes + part_bytes)
        if not self._size or not part_bytes or not is_read:
            self._since = None
        elif self._since is None:
            loop = asyncio.get_running_loop()
            self._since = loop.time()
            if self._check is None:
                self._check = loop.call_later(MESSAGE_FIRST_SECONDS, self._check_pace)

    def is_received(self) -> bool:
        """Whether a message is under way, and the client is read from."""
        return self._since is not None

    def forget(self) -> None:
        """The socket is closed."""
        self._set_size(0)
        self._since = None
        if self._check is not None:
            self._check.cancel()
            self._check = None

    def give_way(self, why: str) -> None:
        metrics.REFUSALS.labels(why).inc()
        self.forget()
        self._cut(why)

    def _set_size(self, size: int) -> None:
        ReceivedData._all_bytes += size - self._size
        self._size = size
        (self._all.add if size else self._all.discard)(self)
        if self._all_bytes > MAX_RECEIVED_BYTES:
            largest = max(self._all, key=lambda received: received._size)
            largest.give_way("messages_too_large_together")

    def _check_pace(self) -> None:
        self._check = None
        if self._since is None:
            return
        loop = asyncio.get_running_loop()
        seconds = loop.time() - self._since
        min_size = MIN_BYTES_PER_SECOND * (seconds - MESSAGE_FIRST_SECONDS)
        if seconds >= MESSAGE_SECONDS or self._part_size < min_size:
            self.give_way("message_too_slow")
        else:
            self._check = loop.call_later(PACE_SECONDS, self._check_pace)
