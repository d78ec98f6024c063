"""The background tasks of a runtime: they go on after a fault, or end the process."""

import asyncio
import signal
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import AsyncMock, MagicMock
from uuid import uuid4

import pytest
from django.db import ProgrammingError, connection, connections
from django.utils import timezone

from kynaplatform.api.errors import NotFound
from movespecs.models import MoveSpec
from realtime import database
from realtime.attach import Handshake
from realtime.client_bounds import MAX_UNATTACHED, add_unattached, unattached
from realtime.database import FOR_LEASES, in_database
from realtime.fair_queue import Turns
from realtime.refusals import Restarting
from realtime.runtime import Runtime
from realtime.socket import ClientGone, Order, Socket
from sessions_app.models import DetectionSession, PlatformHeartbeat
from sessions_app.runtime_tokens import TokenSession
from tests.conftest import Machine
from tests.server import runtime_server
from tests.waiting import DEADLINE_SECONDS, eventually

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_function_that_was_given_up_begins_no_other_statement(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An attach whose client was told to try again would take the session from that attach."""
    monkeypatch.setattr(database, "DATABASE_DEADLINE_SECONDS", 0.1)
    is_given_up, ran = threading.Event(), []

    def attach_late() -> None:
        is_given_up.wait(DEADLINE_SECONDS)
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        ran.append(1)

    async def play() -> None:
        with pytest.raises(Restarting):
            await in_database(FOR_LEASES, attach_late)
        is_given_up.set()

    asyncio.run(play())
    FOR_LEASES.submit(connections.close_all).result()
    assert ran == []


def test_a_place_is_free_once_its_thread_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "DATABASE_DEADLINE_SECONDS", 0.1)
    may_end = threading.Event()

    async def play() -> None:
        places = asyncio.Semaphore(1)

        async def take_place() -> Callable[[], None]:
            await places.acquire()
            return places.release

        with pytest.raises(Restarting):
            await in_database(FOR_LEASES, lambda: may_end.wait(DEADLINE_SECONDS), take_place)
        assert places.locked()
        may_end.set()
        async with asyncio.timeout(DEADLINE_SECONDS):
            await places.acquire()

    asyncio.run(play())


def test_the_admission_of_a_lost_connection_is_given_up() -> None:
    async def play() -> None:
        received: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        received.put_nowait({"type": "websocket.connect"})
        web_socket = Socket(MagicMock(), received.get, AsyncMock(), Turns())
        await web_socket.accept(None, [])
        asyncio.get_running_loop().call_soon(
            received.put_nowait, {"type": "websocket.disconnect", "code": 1006}
        )
        for _ in range(2):  # lost meanwhile, and before
            with pytest.raises(ClientGone):
                async with web_socket.while_connected(), asyncio.timeout(DEADLINE_SECONDS):
                    await asyncio.Event().wait()
        await web_socket.stop()

    asyncio.run(play())


def test_a_background_task_that_fails_ends_the_process(
    settings: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    settings.DATABASE_LISTEN_URL = "postgresql://127.0.0.1:9/away"

    async def fail(runtime: Runtime) -> None:
        raise ProgrammingError("of a kind that nobody expects")

    monkeypatch.setattr(Runtime, "_beat", fail)

    async def play() -> None:
        is_ended = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, is_ended.set)
        runtime = Runtime()
        runtime.start()
        async with asyncio.timeout(DEADLINE_SECONDS):
            await is_ended.wait()
        await runtime.stop()

    asyncio.run(play())
    [record] = [record for record in caplog.records if record.levelname == "CRITICAL"]
    assert record.getMessage() == "a background task failed, and ends the process"
    assert "of a kind that nobody expects" in str(record.exc_info)


def test_it_makes_up_for_an_absence_as_it_starts(
    owner: Machine, squat: MoveSpec, tmp_path: Path
) -> None:
    owner.create_session(squat)
    away = timedelta(minutes=3)
    long_ago = timezone.now() - away
    DetectionSession.objects.update(created_at=long_ago - away)
    PlatformHeartbeat.objects.create(alive_at=long_ago)
    before = DetectionSession.objects.get().deadline_at
    assert before is not None

    def extended() -> bool:
        deadline_at = DetectionSession.objects.get().deadline_at
        return deadline_at is not None and deadline_at >= before + away

    with runtime_server(tmp_path):
        eventually(extended, "its attach window is longer")


def test_an_outage_does_not_close_the_clients_that_attach_after_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Their leases are counted from the end of the wait, not from its beginning."""
    times: list[float] = []
    is_renewed_again = asyncio.Event()

    async def renew(runtime: Runtime, renewed_at: float) -> None:
        if times:
            times.append(renewed_at)
            is_renewed_again.set()
        else:
            times.append(asyncio.get_running_loop().time())
            raise Restarting

    monkeypatch.setattr("realtime.runtime.RENEW_SECONDS", 0.01)
    monkeypatch.setattr(Runtime, "_renew", renew)

    async def play() -> None:
        renewing = asyncio.create_task(Runtime()._renew_leases())
        async with asyncio.timeout(DEADLINE_SECONDS):
            await is_renewed_again.wait()
        renewing.cancel()

    asyncio.run(play())
    given_up_at, counted_from, *_ = times
    assert counted_from >= given_up_at


def test_a_socket_hears_of_a_change_while_it_attaches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its row may have been read before, and its first message not have been sent."""
    admitted = TokenSession(uuid4(), uuid4())
    web_socket = MagicMock(spec=Socket)
    web_socket.protocol = MagicMock()
    web_socket.protocol.has_left.return_value = False

    def attach_slowly(**_: object) -> None:
        runtime._reread(admitted.session_id)
        raise NotFound("session")

    monkeypatch.setattr("realtime.runtime.admit", lambda handshake: admitted)
    monkeypatch.setattr("realtime.runtime.attach", attach_slowly)

    async def play() -> None:
        nonlocal runtime
        runtime = Runtime()
        shaken = Handshake(str(admitted.session_id), None, None, "", "", 0.0)
        await runtime.serve(web_socket, shaken)
        assert runtime._session_of == {}

    runtime: Runtime
    asyncio.run(play())
    web_socket.order.assert_called_once_with(Order.REREAD)
    web_socket.close.assert_awaited_once_with(4404, "not_found")


def test_the_oldest_of_too_many_unattached_connections_is_closed() -> None:
    transports = [MagicMock() for _ in range(MAX_UNATTACHED + 2)]
    for transport in transports:
        add_unattached(transport)
    try:
        assert [one for one in transports if one.abort.called] == transports[:2]
        assert list(unattached) == transports[2:]
    finally:
        unattached.clear()
