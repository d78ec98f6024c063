"""Bodies of requests as they arrive: each has a deadline, which a least pace sets, and no thread.

They are read by the event loop, so that a client that sends half of one stops nobody.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Protocol, TypeVar

from kynaplatform.api.bodies import MOST_BODY_BYTES

# A body may take this long and what its bytes take at the least pace; at 512 KiB, 37 s.
GRACE_SECONDS = 5.0
LEAST_BYTES_PER_SECOND = 16 * 1024
LOOK_SECONDS = 0.5
# Of those that are not whole the oldest gives way: they take at most 128 MiB of a process.
MOST_WAITING = 256
# What was sent and not asked for: many clients hear no answer before they have sent all.
MOST_DISCARDED_BYTES = 8 * 1024 * 1024

Received = TypeVar("Received")


class HttpProtocol(Protocol):
    """One request and its answer, of RSGI 1."""

    def __call__(self) -> Awaitable[bytes]:
        """The whole body."""

    def __aiter__(self) -> AsyncIterator[bytes]:
        """The body as it arrives."""

    def response_bytes(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        """Answer, once, from any thread."""


class Incoming:
    """The bodies that a process is receiving."""

    def __init__(self) -> None:
        # What reads each, and until when it may; the oldest first.
        self._deadlines: dict[asyncio.Task[object], float] = {}
        self._look: asyncio.TimerHandle | None = None

    async def receive(self, protocol: HttpProtocol, declared: int | None) -> bytes | None:
        """The whole body, `declared` bytes or, with None, in chunks; None if it does not come.

        Of one in chunks that is larger than a body may be, a little more than that.
        """
        if declared is not None:
            body = await self._in_time(protocol.__call__, seconds_for(declared))
            return body if body is not None and len(body) == declared else None
        return await self._in_time(lambda: self._chunks(protocol), GRACE_SECONDS)

    async def discard(self, protocol: HttpProtocol) -> None:
        """Read on after the answer, so that the connection stays good; bounded in all ways."""

        async def read() -> None:
            left = MOST_DISCARDED_BYTES
            async for chunk in protocol:
                left -= len(chunk)
                if left < 0:
                    return

        await self._in_time(read, GRACE_SECONDS)

    async def _chunks(self, protocol: HttpProtocol) -> bytes:
        task, loop = _this_task(), asyncio.get_running_loop()
        began, body = loop.time(), bytearray()
        async for chunk in protocol:
            body += chunk
            if len(body) > MOST_BODY_BYTES:
                break
            self._deadlines[task] = began + seconds_for(len(body))
        return bytes(body)

    async def _in_time(
        self, read: Callable[[], Awaitable[Received]], seconds: float
    ) -> Received | None:
        """What `read` reads, or None once it is late or has given way."""
        task, loop = _this_task(), asyncio.get_running_loop()
        self._deadlines[task] = loop.time() + seconds
        if len(self._deadlines) > MOST_WAITING:
            next(iter(self._deadlines)).cancel()
        if self._look is None:
            self._look = loop.call_later(LOOK_SECONDS, self._end_late)
        try:
            return await read()
        except asyncio.CancelledError:
            task.uncancel()
            return None
        finally:
            del self._deadlines[task]

    def _end_late(self) -> None:
        """One timer for all of them: one for each would cost every request."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        for task, deadline in self._deadlines.items():
            if deadline <= now:
                task.cancel()
        self._look = loop.call_later(LOOK_SECONDS, self._end_late) if self._deadlines else None


def seconds_for(body_bytes: int) -> float:
    return GRACE_SECONDS + body_bytes / LEAST_BYTES_PER_SECOND


def _this_task() -> "asyncio.Task[object]":
    task = asyncio.current_task()
    assert task is not None  # noqa: S101 - whoever awaits is in one
    return task
