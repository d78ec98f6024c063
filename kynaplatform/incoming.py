"""Bodies of requests as they arrive: each has a deadline, which a least pace sets, and no thread.

They are read by the event loop, so that a client that sends half of one stops nobody.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Protocol, TypeVar

from granian.rsgi import ProtocolClosed  # type: ignore[attr-defined]

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

    def response_file(self, status: int, headers: list[tuple[str, str]], file: str) -> None:
        """Answer likewise with what is read at that path, at the client's pace."""

    def response_file_range(
        self, status: int, headers: list[tuple[str, str]], file: str, start: int, end: int
    ) -> None:
        """The same, from one byte until before another."""


class Incoming:
    """The bodies that a process is receiving."""

    def __init__(self) -> None:
        # What reads each, and until when it may; the oldest first.
        self._deadlines: dict[asyncio.Task[object], float] = {}
        self._look: asyncio.TimerHandle | None = None

    async def receive(self, protocol: HttpProtocol, declared: int) -> bytes | None:
        """The body of `declared` bytes; None if it does not come."""
        body = await self._in_time(protocol.__call__, seconds_for(declared))
        return body if body is not None and len(body) == declared else None

    async def receive_chunks(self, chunks: AsyncIterator[bytes]) -> bytes | None:
        """The body that comes in `chunks`, or a little more than a body may be; None as above."""

        async def read() -> bytes:
            task, loop = _this_task(), asyncio.get_running_loop()
            began, body = loop.time(), bytearray()
            async for chunk in chunks:
                body += chunk
                if len(body) > MOST_BODY_BYTES:
                    break
                if task in self._deadlines:
                    self._deadlines[task] = began + seconds_for(len(body))
            return bytes(body)

        return await self._in_time(read, GRACE_SECONDS)

    async def discard(self, chunks: AsyncIterator[bytes]) -> None:
        """Read on after the answer, so that the connection stays good; bounded in all ways."""

        async def read() -> None:
            left = MOST_DISCARDED_BYTES
            async for chunk in chunks:
                left -= len(chunk)
                if left < 0:
                    return

        await self._in_time(read, GRACE_SECONDS)

    async def _in_time(
        self, read: Callable[[], Awaitable[Received]], seconds: float
    ) -> Received | None:
        """What `read` reads, or None once it is late, has given way, or its client has left."""
        task, loop = _this_task(), asyncio.get_running_loop()
        self._deadlines[task] = loop.time() + seconds
        if len(self._deadlines) > MOST_WAITING:
            oldest = next(iter(self._deadlines))
            del self._deadlines[oldest]
            oldest.cancel()
        if self._look is None:
            self._look = loop.call_later(LOOK_SECONDS, self._end_late)
        try:
            return await read()
        except asyncio.CancelledError:
            task.uncancel()
            return None
        except ProtocolClosed:
            return None
        finally:
            self._deadlines.pop(task, None)

    def _end_late(self) -> None:
        """One timer for all of them: one for each would cost every request."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        for task, deadline in self._deadlines.items():
            if deadline <= now:
                task.cancel()
        self._look = loop.call_later(LOOK_SECONDS, self._end_late) if self._deadlines else None


async def chunks_of(protocol: HttpProtocol) -> AsyncIterator[bytes]:
    """The body as it arrives, which more than one may read, one after the other."""
    async for chunk in protocol:
        yield chunk


def seconds_for(body_bytes: int) -> float:
    return GRACE_SECONDS + body_bytes / LEAST_BYTES_PER_SECOND


def _this_task() -> "asyncio.Task[object]":
    task = asyncio.current_task()
    assert task is not None  # noqa: S101 - whoever awaits is in one
    return task
