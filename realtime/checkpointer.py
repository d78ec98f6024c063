"""The checkpointer: group commit of checkpoints, which makes batches durable.

Two flushers take turns: one gathers checkpoints while the other waits for its commit. Checkpoints
that come within 5 ms while the process is busy share a statement. A third flusher stores those that
no other should wait for: with many events, or with a row that another transaction has locked.
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
from kynaplatform.dependencies import DATABASE, is_disk_full
from kynaplatform.timing import RETRY_SECONDS, STALL_SECONDS
from realtime import metrics
from realtime.database import cancel, connect, database_deadline
from realtime.fair_queue import HEARING_ROUNDS
from sessions_app.checkpoints import (
    LOCKED,
    SKIP_LOCKED_STATEMENT,
    STATEMENT,
    Checkpoint,
    CheckpointOutcome,
    parameters,
)

logger = logging.getLogger("kynaplatform.realtime")

FLUSHERS: Final = 2
# How long a statement waits at most for more checkpoints while the process is busy.
GATHERING_SECONDS: Final = 0.005
# The process is busy until this many rounds of its event loop bring no checkpoint. After a long
# turn of the fair queue other sockets are read first.
QUIET_ROUNDS: Final = HEARING_ROUNDS + 2
MAX_GROUP_SIZE: Final = 256
# An event costs as much as a checkpoint without one: this many take tens of milliseconds, and are
# more than one batch can bring.
MAX_EVENTS_PER_BATCH: Final = 1000
# More than a batch of a live session brings.
MANY_EVENTS: Final = 30
CONNECTION_ERRORS: Final = (psycopg.OperationalError, psycopg.InterfaceError, OSError)


@dataclass(slots=True, eq=False)
class _Pending:
    checkpoint: Checkpoint
    stored: "asyncio.Future[CheckpointOutcome]"


class Checkpointer:
    """The queues and flushers of one process, with at most one checkpoint of an attachment."""

    def __init__(self) -> None:
        self._waiting, self._slow_lane = asyncio.Queue[_Pending](), asyncio.Queue[_Pending]()
        gathering, slow_lane = asyncio.Lock(), self._slow_lane
        self._flushers = [
            *(_Flusher(self._waiting, gathering, STATEMENT, slow_lane) for _ in range(FLUSHERS)),
            # It skips locked rows instead of waiting for them.
            _Flusher(slow_lane, asyncio.Lock(), SKIP_LOCKED_STATEMENT, slow_lane),
        ]
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> list[asyncio.Task[None]]:
        self._tasks = [asyncio.create_task(flusher.flush()) for flusher in self._flushers]
        return self._tasks

    async def stop(self) -> None:
        await cancel(self._tasks)

    def is_progressing(self) -> bool:
        """Whether each running statement has run for less than 5 s."""
        since = [each.started_at for each in self._flushers if each.started_at is not None]
        return not since or time.monotonic() - min(since) < STALL_SECONDS

    async def store(self, checkpoint: Checkpoint) -> CheckpointOutcome:
        """Store the checkpoint. The result is STORED once it is durable.

        Raises Restarting once the database has been away for 25 s: it may be stored or not.
        """
        since = time.monotonic()
        queue = self._slow_lane if len(checkpoint.events) > MANY_EVENTS else self._waiting
        async with database_deadline():
            # Twice: the statement does not see what committed while it waited for the row.
            for _ in range(2):
                pending = _Pending(checkpoint, asyncio.get_running_loop().create_future())
                queue.put_nowait(pending)
                stored = await pending.stored
                if stored is not CheckpointOutcome.LOST:
                    break
        metrics.CHECKPOINT_SECONDS.observe(time.monotonic() - since)
        return stored


@dataclass(slots=True, eq=False)
class _Flusher:
    """A task that stores the checkpoints of a queue, group by group, on its own connection.

    One flusher at a time holds `gathering`. Checkpoints with a locked row go to the queue `locked`.
    A lost connection is replaced. It keeps one cursor: a new one costs this process a quarter of a
    statement.
    """

    waiting: asyncio.Queue[_Pending]
    gathering: asyncio.Lock
    statement: str
    locked: asyncio.Queue[_Pending]
    cursor: psycopg.AsyncCursor[Any] | None = None
    started_at: float | None = None

    async def flush(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while True:
                group = await self._group()
                self.started_at = time.monotonic()
                for locked in await self._store(group):
                    loop.call_later(RETRY_SECONDS, self.locked.put_nowait, locked)
                self.started_at = None
        finally:
            await self._close()

    async def _group(self) -> list[_Pending]:
        """The next checkpoints, bounded in number and in events.

        A statement costs a seventh of a batch's processor time, so it pays to wait for the messages
        that have arrived: until QUIET_ROUNDS of the event loop bring no checkpoint.
        """
        async with self.gathering:
            group = [await self.waiting.get()]
            events = len(group[0].checkpoint.events)
            ends_at = time.monotonic() + GATHERING_SECONDS
            rounds = 0
            while len(group) < MAX_GROUP_SIZE and events < MAX_EVENTS_PER_BATCH:
                if not self.waiting.empty():
                    group.append(self.waiting.get_nowait())
                    events += len(group[-1].checkpoint.events)
                    rounds = 0
                elif rounds < QUIET_ROUNDS and time.monotonic() < ends_at:
                    rounds += 1
                    await asyncio.sleep(0)
                else:
                    break
            return group

    async def _store(self, group: list[_Pending]) -> list[_Pending]:
        """Store the group once the database is there. Returns those with a locked row.

        Sockets that gave up are left out: another attach may have the session by now.
        """
        while group := [pending for pending in group if not pending.stored.done()]:
            try:
                if self.cursor is None or self.cursor.connection.closed:
                    self.cursor = (await connect(settings.DATABASE_URL)).cursor()
                    DATABASE.record_recovery()
                return await _store(self.cursor, group, self.statement)
            except CONNECTION_ERRORS as error:
                if not is_disk_full(error):
                    await self._close()
                DATABASE.record_failure(error)
                await asyncio.sleep(RETRY_SECONDS)
        return []

    async def _close(self) -> None:
        if self.cursor is not None:
            await self.cursor.connection.close()


async def _store(
    cursor: psycopg.AsyncCursor[Any], group: list[_Pending], statement: str
) -> list[_Pending]:
    """Store the group and answer its sockets. Returns those with a locked row.

    If one can't be stored, each is stored by itself, so that only that one fails.
    """
    try:
        checkpoints = [pending.checkpoint for pending in group]
        await cursor.execute(statement, parameters(checkpoints, clock.known_now()))
        rows = await cursor.fetchall()
    except psycopg.errors.LockNotAvailable:
        if statement == SKIP_LOCKED_STATEMENT:
            raise  # the table is locked
        return await _store(cursor, group, SKIP_LOCKED_STATEMENT)
    except CONNECTION_ERRORS:
        raise
    except Exception as error:
        if len(group) > 1:
            each = [await _store(cursor, [pending], statement) for pending in group]
            return list(chain.from_iterable(each))
        logger.exception("a checkpoint can't be stored")
        if not group[0].stored.done():
            group[0].stored.set_exception(error)
        return []
    answers: dict[UUID, str] = dict(rows)
    locked = []
    for pending in group:
        answer = answers.get(pending.checkpoint.attachment_id, CheckpointOutcome.LOST)
        if answer == LOCKED:
            locked.append(pending)
        elif not pending.stored.done():
            pending.stored.set_result(CheckpointOutcome(answer))
    return locked
