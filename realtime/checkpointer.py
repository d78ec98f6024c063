"""Makes batches durable: all checkpoints that wait are stored by one statement.

Two flushers, so that one gathers while the other waits for its commit. What meets a row that
another transaction has locked is set aside, and tried again beside them: nobody else waits for it.
"""

import asyncio
import logging
import time
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final
from uuid import UUID

import psycopg
from django.conf import settings

from kynaplatform import clock
from kynaplatform.outages import DATABASE
from kynaplatform.timing import RETRY_SECONDS, STALL_SECONDS
from realtime import metrics
from realtime.database import cancel, connect, database_deadline
from sessions_app.checkpoints import (
    FREE_STATEMENT,
    LOCKED,
    STATEMENT,
    Checkpoint,
    Stored,
    parameters,
)

logger = logging.getLogger("kynaplatform.realtime")

FLUSHERS: Final = 2
MOST_AT_ONCE: Final = 256
CONNECTION_ERRORS: Final = (psycopg.OperationalError, psycopg.InterfaceError, OSError)


@dataclass(slots=True, eq=False)
class _Pending:
    checkpoint: Checkpoint
    stored: "asyncio.Future[Stored]"


class Checkpointer:
    """Stores checkpoints; an attachment has at most one waiting, for its socket waits too."""

    def __init__(self) -> None:
        self._pending = asyncio.Queue[_Pending]()
        locked = asyncio.Queue[_Pending]()
        self._flushers = [_Flusher(self._pending, STATEMENT, locked) for _ in range(FLUSHERS)]
        # Without waiting for any of their rows.
        self._flusher_of_locked = _Flusher(locked, FREE_STATEMENT, locked)
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        flushers = [*self._flushers, self._flusher_of_locked]
        self._tasks = [asyncio.create_task(flusher.flush()) for flusher in flushers]

    async def stop(self) -> None:
        await cancel(self._tasks)

    def is_moving(self) -> bool:
        """Whether a statement was answered in the last 5 s, or none has waited for so long."""
        waiting = [each.waits_since for each in self._flushers if each.waits_since is not None]
        moved_at = max(each.answered_at for each in self._flushers)
        return not waiting or time.monotonic() - max(min(waiting), moved_at) < STALL_SECONDS

    async def store(self, checkpoint: Checkpoint) -> Stored:
        """HELD once it is durable.

        Raises Restarting when the database has been away for 25 s: then it may be anything.
        """
        since = time.monotonic()
        async with database_deadline():
            stored = await self._try(checkpoint)
            if stored is Stored.LOST:
                # The statement did not see what committed while it waited for the row.
                stored = await self._try(checkpoint)
        metrics.CHECKPOINT_SECONDS.observe(time.monotonic() - since)
        return stored

    async def _try(self, checkpoint: Checkpoint) -> Stored:
        pending = _Pending(checkpoint, asyncio.get_running_loop().create_future())
        self._pending.put_nowait(pending)
        return await pending.stored


class _Flusher:
    """Stores what is in a queue by a statement; its connection is made anew when it is lost.

    Those whose row is locked go to the queue `locked`.
    """

    def __init__(
        self, queue: asyncio.Queue[_Pending], statement: str, locked: asyncio.Queue[_Pending]
    ) -> None:
        self._queue = queue
        self._statement = statement
        self._locked = locked
        self._connection: psycopg.AsyncConnection[Any] | None = None
        self.waits_since: float | None = None
        self.answered_at = 0.0

    async def flush(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while True:
                group = [await self._queue.get()]
                while len(group) < MOST_AT_ONCE and not self._queue.empty():
                    group.append(self._queue.get_nowait())
                self.waits_since = time.monotonic()
                for locked in await self._store(group):
                    loop.call_later(RETRY_SECONDS, self._locked.put_nowait, locked)
                self.waits_since = None
        finally:
            await self._close()

    async def _store(self, group: list[_Pending]) -> list[_Pending]:
        """Store and answer them, once the database is there; those whose row is locked are left."""
        while group := _wanted(group):
            try:
                if self._connection is None or self._connection.closed:
                    self._connection = await connect(settings.DATABASE_URL)
                locked = await _store(self._connection, group, self._statement)
            except CONNECTION_ERRORS as error:
                await self._close()
                DATABASE.met(error)
                await asyncio.sleep(RETRY_SECONDS)
            else:
                self.answered_at = time.monotonic()
                return locked
        return []

    async def _close(self) -> None:
        if self._connection is not None:
            await self._connection.close()


def _wanted(group: list[_Pending]) -> list[_Pending]:
    """Without those whose socket has given up: another attach may hold the session by now."""
    return [pending for pending in group if not pending.stored.done()]


async def _store(
    connection: psycopg.AsyncConnection[Any], group: list[_Pending], statement: str
) -> list[_Pending]:
    """Those whose row another transaction has locked; the others are stored and answered.

    Where one of them can't be stored it fails alone: the others are stored one by one.
    """
    try:
        checkpoints = [pending.checkpoint for pending in group]
        cursor = await connection.execute(statement, parameters(checkpoints, clock.known_now()))
        rows = await cursor.fetchall()
    except psycopg.errors.LockNotAvailable:
        if statement == FREE_STATEMENT:
            raise  # it is the table that is locked
        return await _store(connection, group, FREE_STATEMENT)
    except CONNECTION_ERRORS:
        raise
    except Exception as error:
        if len(group) > 1:
            each = [await _store(connection, [pending], statement) for pending in group]
            return list(chain.from_iterable(each))
        logger.exception("a checkpoint can't be stored")
        if not group[0].stored.done():
            group[0].stored.set_exception(error)
        return []
    answers: dict[UUID, str] = dict(rows)
    locked = []
    for pending in group:
        answer = answers.get(pending.checkpoint.attachment_id, Stored.LOST)
        if answer == LOCKED:
            locked.append(pending)
        elif not pending.stored.done():
            pending.stored.set_result(Stored(answer))
    return locked
