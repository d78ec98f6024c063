"""The database of a runtime: threads for the domain's functions, and async connections.

One connection listens for NOTIFY, which names each changed session. Every wait for the database
ends with Restarting after 25 s, whether it refuses connections or is silent.
"""

import asyncio
import contextlib
import logging
import math
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from concurrent.futures import Executor, ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import Any, Final, TypeVar
from uuid import UUID

import psycopg
from django.conf import settings
from django.db import InterfaceError, OperationalError, close_old_connections
from django.db import connection as django_connection
from psycopg import sql

from kynaplatform.database.connections import drop_closed_connections, is_lock_timeout
from kynaplatform.dependencies import DATABASE, LISTENER, is_disk_full
from kynaplatform.environment import database
from kynaplatform.timing import (
    DATABASE_DEADLINE_SECONDS,
    LAST_SECONDS,
    PROBE_SECONDS,
    RETRY_SECONDS,
)
from realtime.refusals import Restarting
from sessions_app.lifecycle import CHANNEL

logger = logging.getLogger("kynaplatform.realtime")

UNREACHABLE: Final = (OperationalError, InterfaceError)

Answer = TypeVar("Answer")

# Three pools, so that a crowd of attaches makes no lease late and no process look unready.
FOR_SESSIONS: Final = ThreadPoolExecutor(8, thread_name_prefix="sessions")
# Attaches use at most this many of those threads, and checks of tokens this many. The others are
# for attached sockets.
ATTACHES_AT_ONCE: Final = 6
ADMITS_AT_ONCE: Final = 4
FOR_LEASES: Final = ThreadPoolExecutor(1, thread_name_prefix="leases")
FOR_OPERATORS: Final = ThreadPoolExecutor(1, thread_name_prefix="operators")


async def in_database(
    threads: Executor,
    function: Callable[[], Answer],
    take_place: Callable[[], Awaitable[Callable[[], None]]] | None = None,
) -> Answer:
    """Call `function` in one of `threads`, again while the database is out of reach.

    Each try first awaits `take_place`, and calls what it returns once its thread has ended, even if
    nobody waits for that any more. `function` must be safe to repeat: the first try may have been
    stored. Raises Restarting after 25 s. After that `function` begins no other statement, because a
    late attach must not replace a newer one.
    """
    loop = asyncio.get_running_loop()
    async with database_deadline():
        while True:
            given_up = threading.Event()
            free_place = await take_place() if take_place is not None else None
            # With the request id of its log lines.
            call = threads.submit(copy_context().run, partial(_call, function, given_up))
            if free_place is not None:
                call.add_done_callback(partial(_call_soon, loop, free_place))
            try:
                return await asyncio.wrap_future(call)
            except UNREACHABLE as error:
                if is_lock_timeout(error):
                    logger.info("waiting for another transaction: %s", error)
                else:
                    DATABASE.record_failure(error)
            finally:
                given_up.set()
            await asyncio.sleep(RETRY_SECONDS)


def _call_soon(loop: asyncio.AbstractEventLoop, callback: Callable[[], None], _: object) -> None:
    with contextlib.suppress(RuntimeError):  # the loop has ended before the thread
        loop.call_soon_threadsafe(callback)


class DatabaseDeadline:
    """The deadline of this process's waits for its database, which a drain shortens."""

    def __init__(self) -> None:
        self._ends_at = math.inf
        self._waiting: set[asyncio.Timeout] = set()

    @contextlib.asynccontextmanager
    async def __call__(self, since: float | None = None) -> AsyncIterator[None]:
        """Raise Restarting 25 s after `since`, a time of the loop, or after now."""
        now = asyncio.get_running_loop().time()
        until = min(
            (now if since is None else since) + DATABASE_DEADLINE_SECONDS,
            max(self._ends_at, now + LAST_SECONDS),
        )
        try:
            async with asyncio.timeout_at(until) as waiting:
                self._waiting.add(waiting)
                try:
                    yield
                finally:
                    self._waiting.discard(waiting)
        except TimeoutError as error:
            raise Restarting from error

    def drain(self, seconds: float) -> None:
        """End every wait within `seconds`. Waits that begin later than that last 1 s."""
        self._ends_at = asyncio.get_running_loop().time() + seconds
        for waiting in self._waiting:
            if not waiting.expired():
                waiting.reschedule(min(waiting.when() or self._ends_at, self._ends_at))


database_deadline = DatabaseDeadline()


async def cancel(tasks: Collection[asyncio.Task[None]]) -> None:
    """Cancel the tasks and wait up to 1 s for them: psycopg may still wait for the database."""
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks, timeout=LAST_SECONDS)


def _call(function: Callable[[], Answer], given_up: threading.Event) -> Answer:
    def unless_given_up(execute: Callable[..., Any], *statement: Any) -> Any:
        if given_up.is_set():
            raise OperationalError("nobody waits for it any more")
        return execute(*statement)

    drop_closed_connections()
    close_old_connections()
    try:
        with django_connection.execute_wrapper(unless_given_up):
            return function()
    except UNREACHABLE as error:
        if not (is_lock_timeout(error) or is_disk_full(error)):
            django_connection.close()
        raise


async def connect(url: str) -> psycopg.AsyncConnection[Any]:
    """An async connection to the database at `url`, with the options of Django's connections."""
    found = database(url)
    options = {**found["OPTIONS"], "dbname": found["NAME"], "prepare_threshold": 0}
    del options["server_side_binding"]  # an option of Django alone
    # The query of the URL may have these instead.
    names = ("user", "password", "host", "port")
    options |= {name: found[name.upper()] for name in names if found[name.upper()]}
    return await psycopg.AsyncConnection.connect(**options, autocommit=True)


async def listen(hear: Callable[[UUID | None], None]) -> None:
    """Call `hear` with the id of each changed session, forever.

    It is called with None each time a connection starts to listen: earlier notifications are lost.
    """
    while True:
        try:
            # A pooler between us and the database would lose notifications.
            url = str(settings.DATABASE_LISTEN_URL or settings.DATABASE_URL)
            connection = await connect(url)
            try:
                await connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(CHANNEL)))
                LISTENER.record_recovery()
                hear(None)
                while True:
                    async for notification in connection.notifies(timeout=PROBE_SECONDS):
                        with contextlib.suppress(ValueError):
                            hear(UUID(notification.payload))
                    async with asyncio.timeout(PROBE_SECONDS):
                        await connection.execute("SELECT 1")
            finally:
                await connection.close()
        except (psycopg.Error, OSError, TimeoutError) as error:
            LISTENER.record_failure(error)
        await asyncio.sleep(RETRY_SECONDS)
