"""Makes batches durable: all checkpoints that wait are stored by one statement.

Two flushers, so that one gathers while the other waits for its commit.
"""

import asyncio
import contextlib
import logging
import time
from collections import deque
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import psycopg
from django.conf import settings
from django.utils import timezone

from realtime import metrics
from realtime.database import RETRY_SECONDS, cancel, connect, patience
from sessions_app.checkpoints import STATEMENT, Checkpoint, parameters

logger = logging.getLogger("kynaplatform.realtime")

FLUSHERS: Final = 2
MOST_AT_ONCE: Final = 256
UNREACHABLE: Final = (psycopg.OperationalError, psycopg.InterfaceError, OSError)


@dataclass(slots=True, eq=False)
class _Waiting:
    checkpoint: Checkpoint
    stored: "asyncio.Future[bool]"
    since: float


class Checkpointer:
    """Stores checkpoints; an attachment has at most one waiting, for its socket waits too."""

    def __init__(self) -> None:
        self._waiting: deque[_Waiting] = deque()
        self._some = asyncio.Event()
        self._flushers: list[asyncio.Task[None]] = []

    def start(self) -> None:
        self._flushers = [asyncio.create_task(self._flush()) for _ in range(FLUSHERS)]

    async def stop(self) -> None:
        await cancel(self._flushers)

    async def store(self, checkpoint: Checkpoint) -> bool:
        """True once it is durable, False where the session is no longer held.

        Raises Restarting when the database has been away for 25 s: then it may be either.
        """
        waiting = _Waiting(checkpoint, asyncio.get_running_loop().create_future(), time.monotonic())
        self._waiting.append(waiting)
        self._some.set()
        async with patience():
            stored = await waiting.stored
        metrics.CHECKPOINT_SECONDS.observe(time.monotonic() - waiting.since)
        return stored

    async def _flush(self) -> None:
        connection: psycopg.AsyncConnection[Any] | None = None
        try:
            while True:
                await self._some.wait()
                batch = _wanted([self._waiting.popleft() for _ in range(self._next_size())])
                if not self._waiting:
                    self._some.clear()
                while batch:
                    try:
                        if connection is None or connection.closed:
                            connection = await connect(settings.DATABASE_URL)
                        await _store(connection, batch)
                        break
                    except UNREACHABLE as error:
                        await _close(connection)
                        connection = None
                        logger.warning("checkpoints wait for the database: %s", error)
                        await asyncio.sleep(RETRY_SECONDS)
                        batch = _wanted(batch)
        finally:
            await _close(connection)

    def _next_size(self) -> int:
        return min(len(self._waiting), MOST_AT_ONCE)


def _wanted(batch: list[_Waiting]) -> list[_Waiting]:
    """Without those whose socket has given up: another attach may hold the session by now."""
    return [waiting for waiting in batch if not waiting.stored.done()]


async def _store(connection: psycopg.AsyncConnection[Any], batch: list[_Waiting]) -> None:
    """Where one of them can't be stored it fails alone: the others are stored one by one."""
    try:
        held = await _execute(connection, batch)
    except UNREACHABLE:
        raise
    except Exception as error:
        if len(batch) > 1:
            for waiting in batch:
                await _store(connection, [waiting])
            return
        logger.exception("a checkpoint can't be stored")
        if not batch[0].stored.done():
            batch[0].stored.set_exception(error)
        return
    for waiting in batch:
        if not waiting.stored.done():
            waiting.stored.set_result(waiting.checkpoint.attachment_id in held)


async def _close(connection: psycopg.AsyncConnection[Any] | None) -> None:
    if connection is not None:
        with contextlib.suppress(psycopg.Error, OSError):
            await connection.close()


async def _execute(connection: psycopg.AsyncConnection[Any], batch: list[_Waiting]) -> set[UUID]:
    checkpoints = [waiting.checkpoint for waiting in batch]
    cursor = await connection.execute(STATEMENT, parameters(checkpoints, timezone.now()))
    return {row[0] for row in await cursor.fetchall()}
