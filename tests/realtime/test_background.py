"""The background tasks of a runtime go on after a fault, or end the process."""

import asyncio
import signal
from typing import Any
from uuid import UUID

import pytest
from django.db import ProgrammingError, connection, connections

from realtime.database import FOR_LEASES, in_database, listen
from realtime.runtime import Runtime
from sessions_app.lifecycle import CHANNEL
from tests import server
from tests.waiting import DEADLINE_SECONDS

pytestmark = pytest.mark.django_db(transaction=True)


def test_it_listens_again_after_a_statement_of_django_s_failed(settings: Any) -> None:
    """As during a migration: the table is not there, or has not the column yet."""
    settings.DATABASE_LISTEN_URL = server.test_database_url()
    changed, faults = UUID(int=7), ["SELECT FROM no_such_table"]

    def ask() -> None:
        with connection.cursor() as cursor:
            cursor.execute(faults.pop() if faults else "SELECT 1")

    def notify() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_notify(%s, %s)", [CHANNEL, str(changed)])

    async def play() -> None:
        heard, has_caught_up = asyncio.Queue[UUID](), asyncio.Event()

        async def catch_up() -> None:
            await in_database(FOR_LEASES, ask)
            has_caught_up.set()

        listening = asyncio.create_task(listen(heard.put_nowait, catch_up))
        try:
            async with asyncio.timeout(DEADLINE_SECONDS):
                ready = asyncio.create_task(has_caught_up.wait())
                await asyncio.wait([listening, ready], return_when=asyncio.FIRST_COMPLETED)
                assert not listening.done()
                await in_database(FOR_LEASES, notify)
                assert await heard.get() == changed
        finally:
            listening.cancel()

    asyncio.run(play())
    FOR_LEASES.submit(connections.close_all).result()
    assert faults == []


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
