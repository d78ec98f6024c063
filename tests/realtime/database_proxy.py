"""Stands between a process and its database, and can be out of reach."""

import asyncio
import contextlib
import threading
from collections.abc import Coroutine, Iterator
from typing import Any, TypeVar
from urllib.parse import parse_qs, unquote, urlsplit, urlunsplit

from tests.waiting import DEADLINE_SECONDS

T = TypeVar("T")


class DatabaseProxy:
    """Listens on 127.0.0.1 and passes on to the socket of the database at `database_url`."""

    def __init__(self, database_url: str) -> None:
        self._parts = urlsplit(database_url)
        self._port = 0
        self._loop = asyncio.new_event_loop()
        self._passing = asyncio.Event()
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    @property
    def url(self) -> str:
        who = self._parts.netloc.rpartition("@")[0]
        return urlunsplit(
            self._parts._replace(netloc=f"{who}@127.0.0.1:{self._port}", query="sslmode=disable")
        )

    def reach(self) -> None:
        """Let in who connects, and pass on what is said."""
        self._do(self._reach())

    def refuse(self) -> None:
        """As a server that has stopped: what was open breaks, and nobody gets in."""
        self._do(self._refuse())

    def hang(self) -> None:
        """As a machine that was cut off: nothing is said any more, and nothing breaks."""
        self._do(self._hang())

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(DEADLINE_SECONDS)

    async def _reach(self) -> None:
        self._passing.set()
        if self._server is None:
            self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._port)
            self._port = self._server.sockets[0].getsockname()[1]

    async def _refuse(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in self._open:
            writer.transport.abort()

    async def _hang(self) -> None:
        self._passing.clear()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        to_server = await self._connect()
        self._open |= {writer, to_server[1]}
        try:
            await asyncio.gather(
                self._pass_on(reader, to_server[1]),
                self._pass_on(to_server[0], writer),
            )
        finally:
            self._open -= {writer, to_server[1]}

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        port = self._parts.port or 5432
        folder = parse_qs(self._parts.query).get("host", [""])[0]
        if folder:
            return await asyncio.open_unix_connection(f"{unquote(folder)}/.s.PGSQL.{port}")
        return await asyncio.open_connection(self._parts.hostname, port)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                await self._passing.wait()
                writer.write(data)
                await writer.drain()
        writer.close()

    def start(self) -> None:
        self._thread.start()
        self.reach()

    def stop(self) -> None:
        self._passing.set()
        self.refuse()
        self._do(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(DEADLINE_SECONDS)

    async def _end(self) -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)


@contextlib.contextmanager
def database_proxy(database_url: str) -> Iterator[DatabaseProxy]:
    proxy = DatabaseProxy(database_url)
    proxy.start()
    try:
        yield proxy
    finally:
        proxy.stop()
