"""The notifications of changed sessions. NOTIFY sends each in the transaction of the change."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from uuid import UUID

import psycopg
from django import db
from psycopg import sql

from kynaplatform.dependencies import LISTENER
from kynaplatform.timing import PROBE_SECONDS, RETRY_SECONDS
from realtime.database import connect, listen_url
from realtime.refusals import Restarting
from sessions_app.lifecycle import CHANNEL


async def listen(hear: Callable[[UUID], None], catch_up: Callable[[], Awaitable[None]]) -> None:
    """Call `hear` with the id of each session that was changed, without end.

    `catch_up` is awaited each time the connection begins to listen: earlier notifications are lost.
    """
    while True:
        try:
            connection = await connect(listen_url())
            try:
                await connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(CHANNEL)))
                LISTENER.over()
                await catch_up()
                while True:
                    async for notification in connection.notifies(timeout=PROBE_SECONDS):
                        with contextlib.suppress(ValueError):
                            hear(UUID(notification.payload))
                    async with asyncio.timeout(PROBE_SECONDS):
                        await connection.execute("SELECT 1")
            finally:
                await connection.close()
        except (psycopg.Error, db.Error, OSError, TimeoutError, Restarting) as error:
            LISTENER.met(error)
        await asyncio.sleep(RETRY_SECONDS)
