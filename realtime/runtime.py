"""A runtime: the sockets of one process, their leases, and the orders that reach them all."""

import asyncio
import logging
import os
import signal
import socket
from collections.abc import Callable
from functools import partial
from uuid import UUID, uuid4
from weakref import WeakValueDictionary

from kynaplatform import clock
from kynaplatform.api.errors import ApiError, InternalError
from kynaplatform.dependencies import DATABASE
from kynaplatform.metrics.readiness import (
    ASK_SECONDS,
    DOWN,
    OK,
    Inquiry,
    Readiness,
    database_state,
    migrations_state,
)
from kynaplatform.service_manager import tell, watchdog_seconds
from kynaplatform.timing import (
    ABSENCE,
    BEAT_SECONDS,
    DRAIN_DATABASE_SECONDS,
    LAST_SECONDS,
    RENEW_SECONDS,
)
from realtime import metrics
from realtime.attach import Handshake, admit, attach, log_attached, log_refused
from realtime.checkpointer import Checkpointer
from realtime.connection import Connection
from realtime.database import (
    ADMITS_AT_ONCE,
    ATTACHES_AT_ONCE,
    FOR_LEASES,
    FOR_OPERATORS,
    FOR_SESSIONS,
    cancel,
    database_deadline,
    in_database,
    listen,
)
from realtime.fair_queue import AttachQueue, Turns
from realtime.leased_session import LeasedSession
from realtime.messages import Error
from realtime.refusals import RESTARTING, Restarting, close_code
from realtime.socket import ClientGone, Order, Socket
from sessions_app.checkpoints import leases_renew
from sessions_app.downtime import beat
from sessions_app.session_sweep import read_waiting_sessions

logger = logging.getLogger("kynaplatform.realtime")


class Runtime:
    """The server of one process's sockets. Processes share only the database."""

    def __init__(self) -> None:
        self.name = f"{socket.gethostname()}:{os.getpid()}"[-128:]
        self.turns = Turns()
        self._checkpointer = Checkpointer()
        self._connections: set[Connection] = set()
        # Each socket's session, from before it attaches, so that it misses no change.
        self._session_of: dict[Socket, UUID] = {}
        self._attaching = WeakValueDictionary[UUID, asyncio.Lock]()
        self._admitting = asyncio.Semaphore(ADMITS_AT_ONCE)
        self._attach_queue = AttachQueue(ATTACHES_AT_ONCE)
        self._background: list[asyncio.Task[None]] = []
        self._is_draining = False
        self._database = Readiness(
            Inquiry({"database": database_state, "migrations": migrations_state})
        )

    def start(self) -> None:
        self._background = [
            asyncio.create_task(work)
            for work in (
                listen(self._reread),
                self._renew_leases(),
                self._beat(),
                self._read_waiting_sessions(),
                self._tell_watchdog(),
            )
        ]
        for task in (*self._background, *self._checkpointer.start()):
            task.add_done_callback(_end_with)

    async def stop(self) -> None:
        await cancel(self._background)
        await self._checkpointer.stop()

    def drain(self) -> None:
        """Close every socket 1012 once it has finished its work. Safe to repeat.

        A socket that waits for the database is closed after 5 s, and one that waits for its client
        soon after.
        """
        if self._is_draining:
            return
        self._is_draining = True
        tell("STOPPING=1")
        for web_socket in self._session_of:
            web_socket.order(Order.DRAIN)
        database_deadline.drain(DRAIN_DATABASE_SECONDS)
        asyncio.get_running_loop().call_later(DRAIN_DATABASE_SECONDS + LAST_SECONDS, self._cut_all)

    def _cut_all(self) -> None:
        for connection in self._connections:
            connection.socket.cut()

    async def states(self) -> dict[str, str]:
        """The states of database, migrations, checkpoints and attaches for `/readyz`."""
        loop = asyncio.get_running_loop()
        asked = loop.run_in_executor(FOR_OPERATORS, self._database.states)
        session_threads = OK
        try:
            async with asyncio.timeout(ASK_SECONDS):
                await loop.run_in_executor(FOR_SESSIONS, int)  # once one of them is free
        except TimeoutError:
            session_threads = DOWN
        checkpointer = OK if self._checkpointer.is_progressing() else DOWN
        return {**await asked, "checkpointer": checkpointer, "session_threads": session_threads}

    async def serve(self, web_socket: Socket, handshake: Handshake) -> None:
        """Attach an accepted socket and serve it to its end."""
        try:
            try:
                with web_socket.heartbeat():
                    session = await self._attach(web_socket, handshake)
            except ClientGone as gone:
                log_refused(handshake, gone.code, None)
                metrics.count_close(gone.code)
                raise
            except Exception as error:  # noqa: BLE001 - each has its close code
                await _refuse(web_socket, handshake, error)
                return
            web_socket.protocol.attached()
            log_attached(session, handshake)
            connection = Connection(web_socket, session, self._checkpointer)
            self._connections.add(connection)
            metrics.ATTACHES_DONE.inc()
            try:
                with metrics.ATTACHED.track_inprogress():
                    await connection.serve()
            finally:
                self._connections.discard(connection)
        finally:
            self._session_of.pop(web_socket, None)

    async def _attach(self, web_socket: Socket, handshake: Handshake) -> LeasedSession:
        async with database_deadline():
            async with web_socket.while_connected():
                session_id, project_id = await in_database(
                    FOR_SESSIONS, partial(admit, handshake), self._take_admitting_place
                )
            self._session_of[web_socket] = session_id
            if self._is_draining:
                web_socket.order(Order.DRAIN)
            attaching = partial(
                attach,
                session_id=session_id,
                attachment_id=uuid4(),
                arrived_at=handshake.arrived_at,
                runtime=self.name,
                client=handshake.client,
            )
            take_place = partial(self._take_place, web_socket, project_id)
            # Attaches of one session wait for its row, so that together they use one place.
            async with self._attaching.setdefault(session_id, asyncio.Lock()):
                return await in_database(FOR_SESSIONS, attaching, take_place)

    async def _take_admitting_place(self) -> Callable[[], None]:
        await self._admitting.acquire()
        return self._admitting.release

    async def _take_place(self, web_socket: Socket, project_id: UUID) -> Callable[[], None]:
        """Take a place among the attaches, for a client that is still there."""
        free_place = await self._attach_queue.take_place(project_id)
        # After a freeze connections are old. Such a client may be attached elsewhere by now, and
        # would lose its session to a closed socket.
        if web_socket.protocol.has_left():
            free_place()
            raise ClientGone(1006)
        return free_place

    def _reread(self, session_id: UUID | None) -> None:
        """Order the sockets of a changed session, or of all, to reread their rows."""
        for web_socket, its_session_id in self._session_of.items():
            if session_id in (its_session_id, None):
                web_socket.order(Order.REREAD)

    async def _beat(self) -> None:
        """Write every 5 s that this process lives.

        Time without a heartbeat does not count as a client's silence: no socket was served.
        """
        loop = asyncio.get_running_loop()
        beaten_at = loop.time()
        while True:
            try:
                await in_database(FOR_LEASES, lambda: beat(now=clock.now()))
            except Restarting as error:
                DATABASE.record_failure(error.__cause__ or error)
            except Exception:
                logger.exception("the heartbeat can't be written")
            else:
                away = loop.time() - beaten_at
                beaten_at += away
                if away > ABSENCE.total_seconds():
                    for connection in self._connections:
                        connection.socket.exclude_downtime(away)
            await asyncio.sleep(BEAT_SECONDS)

    async def _read_waiting_sessions(self) -> None:
        """Take back sessions that wait for a process that can read their state.

        This runs engines, for which neither a lease nor the heartbeat waits.
        """
        while True:
            try:
                await in_database(FOR_SESSIONS, lambda: read_waiting_sessions(now=clock.now()))
            except Restarting as error:
                DATABASE.record_failure(error.__cause__ or error)
            except Exception:
                logger.exception("waiting sessions can't be taken back")
            await asyncio.sleep(BEAT_SECONDS)

    async def _tell_watchdog(self) -> None:
        """Report to the service manager that this process's loop goes round."""
        seconds = watchdog_seconds()
        while seconds is not None:
            tell("WATCHDOG=1")
            await asyncio.sleep(seconds)

    async def _renew_leases(self) -> None:
        """Renew the leases every 7.5 s, by one statement."""
        loop = asyncio.get_running_loop()
        renewed_at = loop.time()
        while True:
            await asyncio.sleep(RENEW_SECONDS)
            began = loop.time()
            try:
                await self._renew(renewed_at)
            except Restarting as error:
                DATABASE.record_failure(error.__cause__ or error)
                # The leases that were fresh run out as well.
                for connection in self._connections:
                    connection.socket.order(Order.AWAY)
                # Clients that attach again from now on have leases of their own.
                began = loop.time()
            except Exception:
                logger.exception("leases can't be renewed")
                continue
            renewed_at = began

    async def _renew(self, renewed_at: float) -> None:
        """Renew the leases, and order connections that have lost theirs to reread their rows.

        Checkpoints renew the lease of a session that streams, and would wait for a row locked here.
        Raises Restarting once the database has been away for 25 s since the last renewal.
        """
        connections = [each for each in self._connections if not each.has_fresh_lease()]
        if not connections:
            return

        def renew() -> set[UUID]:
            attachments = [connection.attachment() for connection in connections]
            return leases_renew(attachments=attachments, now=clock.now())

        async with database_deadline(since=renewed_at):
            renewed = await in_database(FOR_LEASES, renew)
        for connection in connections:
            if connection.session.attachment_id not in renewed:
                connection.socket.order(Order.REREAD)


def _end_with(task: asyncio.Task[None]) -> None:
    """End the process if a background task fails: sockets would be served wrongly without it."""
    if not task.cancelled() and (error := task.exception()) is not None:
        logger.critical("a background task failed, and ends the process", exc_info=error)
        os.kill(os.getpid(), signal.SIGTERM)


async def _refuse(web_socket: Socket, handshake: Handshake, error: Exception) -> None:
    """Close the socket with the error's code, after an error message if a retry would not help."""
    if not isinstance(error, ApiError | Restarting):
        logger.exception("an attach failed")
        error = InternalError()
    code = close_code(error)
    if isinstance(error, ApiError) and not isinstance(error, InternalError):
        metrics.REFUSALS.labels(error.code).inc()
    log_refused(handshake, code, error)
    (metrics.ATTACHES_FAILED if code == RESTARTING else metrics.ATTACHES_REFUSED).inc()
    try:
        if isinstance(error, ApiError) and code != RESTARTING:
            await web_socket.send(Error(error.body().error))
        await web_socket.close(code, error.code)
    except ClientGone as gone:
        code = gone.code
    metrics.count_close(code)
