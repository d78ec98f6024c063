"""The coroutines of requests that threads answer: each lives until its answer is sent.

To wake the event loop for each answer costs as much as to receive the request. So a coroutine ends
when the next request comes, or within TICK_SECONDS.
"""

import asyncio
from collections import deque

TICK_SECONDS = 0.05


class Answering:
    """The requests that a set of threads is answering."""

    def __init__(self) -> None:
        self._answered: deque[asyncio.Future[None]] = deque()
        self._unended = 0
        self._tick: asyncio.TimerHandle | None = None

    def begin(self) -> asyncio.Future[None]:
        """What a coroutine awaits until a thread has passed it to `answered`."""
        self._end_answered()
        loop = asyncio.get_running_loop()
        if self._tick is None:
            self._tick = loop.call_later(TICK_SECONDS, self._end_at_tick)
        self._unended += 1
        return loop.create_future()

    def answered(self, future: asyncio.Future[None]) -> None:
        """From any thread."""
        self._answered.append(future)

    def _end_answered(self) -> None:
        while self._answered:
            future = self._answered.popleft()
            self._unended -= 1
            if not future.done():
                future.set_result(None)

    def _end_at_tick(self) -> None:
        self._end_answered()
        loop = asyncio.get_running_loop()
        self._tick = loop.call_later(TICK_SECONDS, self._end_at_tick) if self._unended else None
