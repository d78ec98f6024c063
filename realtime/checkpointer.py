"""Makes batches durable: all checkpoints that wait are stored by one statement.

Two flushers, so that one gathers while the other waits for its commit. What meets a row that
another transaction holds is set aside, and tried again beside them: it holds up nobody else.
"""

import asyncio
import contextlib
import logging
import time
from collections import deque
from dataclasses import dataclass
from typing import Any, Final

import psycopg
from django.conf import settings

from kynaplatform import clock
from kynaplatform.outages import DATABASE
from kynaplatform.timing import RETRY_SECONDS, STALL_SECONDS
from realtime import metrics
from realtime.database import cancel, connect, database_deadline
from sessions_app.checkpoints import FREE_STATEMENT, STATEMENT, Checkpoint, parameters

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
        self._held_up: list[_Waiting] = []
        self._some_held_up = asyncio.Event()
        self._flushers: list[asyncio.Task[None]] = []
        self._databases = [_Database() for _ in range(FLUSHERS)]

    def start(self) -> None:
        self._flushers = [asyncio.create_task(self._flush(each)) for each in self._databases]
        self._flushers.append(asyncio.create_task(self._flush_held_up()))

    async def stop(self) -> None:
        await cancel(self._flushers)

    def is_moving(self) -> bool:
        """Whether a statement was answered in the last 5 s, or none has waited for so long."""
        waiting = [each.waits_since for each in self._databases if each.waits_since is not None]
        moved_at = max(each.answered_at for each in self._databases)
        return not waiting or time.monotonic() - max(min(waiting), moved_at) < STALL_SECONDS

    async def store(self, checkpoint: Checkpoint) -> bool:
        """True once it is durable, False where the session is no longer held.

        Raises Restarting when the database has been away for 25 s: then it may be either.
        """
        waiting = _Waiting(checkpoint, asyncio.get_running_loop().create_future(), time.monotonic())
        self._waiting.append(waiting)
        self._some.set()
        async with database_deadline():
            stored = await waiting.stored
        metrics.CHECKPOINT_SECONDS.observe(time.monotonic() - waiting.since)
        return stored

    async def _flush(self, database: "_Database") -> None:
        async with contextlib.aclosing(database):
            while True:
                await self._some.wait()
                size = min(len(self._waiting), MOST_AT_ONCE)
                batch = [self._waiting.popleft() for _ in range(size)]
                if not self._waiting:
                    self._some.clear()
                held_up = await database.store(batch, STATEMENT)
                if held_up:
                    self._held_up += held_up
                    self._some_held_up.set()

    async def _flush_held_up(self) -> None:
        """Now and then, without waiting for any of their rows."""
        async with contextlib.aclosing(_Database()) as database:
            while True:
                await self._some_held_up.wait()
                await asyncio.sleep(RETRY_SECONDS)
                batch, self._held_up = self._held_up, []
                self._held_up += await database.store(batch, FREE_STATEMENT)
                if not self._held_up:
                    self._some_held_up.clear()


class _Database:
    """A flusher's connection, made when it is needed and anew when it is lost."""

    def __init__(self) -> None:
        self._connection: psycopg.AsyncConnection[Any] | None = None
        self.waits_since: float | None = None
        self.answered_at = 0.0

    async def store(self, batch: list[_Waiting], statement: str) -> list[_Waiting]:
        """Store and answer them, once the database is there; those whose row is held are left."""
        self.waits_since = time.monotonic()
        try:
            return await self._store(batch, statement)
        finally:
            self.waits_since = None

    async def _store(self, batch: list[_Waiting], statement: str) -> list[_Waiting]:
        while batch := _wanted(batch):
            try:
                if self._connection is None or self._connection.closed:
                    self._connection = await connect(settings.DATABASE_URL)
                held_up = await _store(self._connection, batch, statement)
            except UNREACHABLE as error:
                await self.aclose()
                DATABASE.met(error)
                await asyncio.sleep(RETRY_SECONDS)
            else:
                self.answered_at = time.monotonic()
                return held_up
        return []

    async def aclose(self) -> None:
        if self._connection is not None:
            with contextlib.suppress(psycopg.Error, OSError):
                await self._connection.close()
            self._connection = None


def _wanted(batch: list[_Waiting]) -> list[_Waiting]:
    """Without those whose socket has given up: another attach may hold the session by now."""
    return [waiting for waiting in batch if not waiting.stored.done()]


async def _store(
    connection: psycopg.AsyncConnection[Any], batch: list[_Waiting], statement: str
) -> list[_Waiting]:
    """Those whose row another transaction holds; the others are stored and answered.

    Where one of them can't be stored it fails alone: the others are stored one by one.
    """
    try:
        checkpoints = [waiting.checkpoint for waiting in batch]
        cursor = await connection.execute(statement, parameters(checkpoints, clock.known_now()))
        rows = await cursor.fetchall()
    except psycopg.errors.LockNotAvailable:
        if statement == FREE_STATEMENT:
            raise  # it is the table that is held
        return await _store(connection, batch, FREE_STATEMENT)
    except UNREACHABLE:
        raise
    except Exception as error:
        if len(batch) > 1:
            held_up = [await _store(connection, [waiting], statement) for waiting in batch]
            return [waiting for each in held_up for waiting in each]
        logger.exception("a checkpoint can't be stored")
        if not batch[0].stored.done():
            batch[0].stored.set_exception(error)
        return []
    held_up_ids = {row[0] for row in rows if row[-1] is False}
    stored_ids = {row[0] for row in rows} - held_up_ids
    for waiting in batch:
        id_ = waiting.checkpoint.attachment_id
        if id_ not in held_up_ids and not waiting.stored.done():
            waiting.stored.set_result(id_ in stored_ids)
    return [waiting for waiting in batch if waiting.checkpoint.attachment_id in held_up_ids]
