"""Stands between a process and its database: notes each statement, and can be out of reach.

As a pooler does, it can keep to itself the options that a connection is opened with.
"""

import asyncio
import contextlib
import threading
from collections.abc import Coroutine, Iterator
from typing import Any, TypeVar
from urllib.parse import parse_qs, unquote, urlsplit, urlunsplit

from tests.waiting import DEADLINE_SECONDS

T = TypeVar("T")

PROTOCOL_3 = 196608


class Statements:
    """What one client of PostgreSQL executes, read from what it sends (protocol 3)."""

    def __init__(self, executed: list[str]) -> None:
        self._executed = executed
        self._unread = b""
        self._is_started = False
        self._prepared: dict[bytes, str] = {}
        self._bound: dict[bytes, str] = {}

    def read(self, data: bytes) -> None:
        self._unread += data
        while True:
            head = 0 if not self._is_started else 1
            if len(self._unread) < head + 4:
                return
            length = head + int.from_bytes(self._unread[head : head + 4], "big")
            if len(self._unread) < length:
                return
            message, self._unread = self._unread[:length], self._unread[length:]
            if self._is_started:
                self._note(message[:1], message[5:])
            else:
                self._is_started = int.from_bytes(message[4:8], "big") == PROTOCOL_3

    def _note(self, kind: bytes, body: bytes) -> None:
        if kind == b"Q":
            self._executed.append(body[:-1].decode())
        elif kind == b"P":
            name, text, _ = body.split(b"\0", 2)
            self._prepared[name] = text.decode()
        elif kind == b"B":
            portal, name, _ = body.split(b"\0", 2)
            self._bound[portal] = self._prepared[name]
        elif kind == b"E":
            self._executed.append(self._bound[body.split(b"\0", 1)[0]])


async def startup_without_options(reader: asyncio.StreamReader) -> bytes:
    """A client's startup message (protocol 3, neither TLS nor GSSAPI asked for)."""
    length = int.from_bytes(await reader.readexactly(4), "big")
    body = await reader.readexactly(length - 4)
    assert int.from_bytes(body[:4], "big") == PROTOCOL_3
    words = body[4:].split(b"\0")
    pairs = [(name, value) for name, value in zip(words[::2], words[1::2], strict=False) if name]
    kept = b"".join(b"%b\0%b\0" % pair for pair in pairs if pair[0] != b"options")
    body = body[:4] + kept + b"\0"
    return (len(body) + 4).to_bytes(4, "big") + body


class DatabaseProxy:
    """Listens on 127.0.0.1 and passes on to the socket of the database at `database_url`."""

    def __init__(self, database_url: str, drops_options: bool = False) -> None:
        self.statements: list[str] = []
        self._drops_options = drops_options
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
        statements = Statements(self.statements)
        try:
            await asyncio.gather(
                self._pass_on(reader, to_server[1], statements),
                self._pass_on(to_server[0], writer, None),
            )
        finally:
            self._open -= {writer, to_server[1]}

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        port = self._parts.port or 5432
        folder = parse_qs(self._parts.query).get("host", [""])[0]
        if folder:
            return await asyncio.open_unix_connection(f"{unquote(folder)}/.s.PGSQL.{port}")
        return await asyncio.open_connection(self._parts.hostname, port)

    async def _pass_on(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        statements: Statements | None,
    ) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            if statements is not None and self._drops_options:
                writer.write(await startup_without_options(reader))
            while data := await reader.read(65536):
                await self._passing.wait()
                if statements is not None:
                    statements.read(data)
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
def database_proxy(database_url: str, drops_options: bool = False) -> Iterator[DatabaseProxy]:
    proxy = DatabaseProxy(database_url, drops_options)
    proxy.start()
    try:
        yield proxy
    finally:
        proxy.stop()
