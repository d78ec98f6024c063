"""What a receiver can do to the sender with its answer: nothing beyond 32 KiB and the deadline."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

import pytest
from aiohttp.client_proto import ResponseHandler

from tests.waiting import eventually
from tests.webhooks.endpoint import make_delivery, make_endpoint
from tests.webhooks.test_sending import send
from webhooks.transport import MAX_ANSWER_BYTES, Answer, Transport, TryFailed, _Connection

Say = Callable[[asyncio.StreamWriter], Awaitable[None]]
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n"
TOO_LARGE = "No answer: more than 32 KiB came before the end of its headers."
MANY_HEADERS = b"".join(b"h%d: %s\r\n" % (number, b"v" * 8000) for number in range(120))
FEW_HEADERS = b"HTTP/1.1 200 OK\r\n" + b"h: v\r\n" * 20 + b"Content-Length: 2\r\n\r\nok"


class RawReceiver(NamedTuple):
    url: str
    # Each connection that was ended by the other side.
    ended: list[object]


@contextmanager
def saying(say: Say) -> Iterator[RawReceiver]:
    """A receiver that says to each request what a test wants, byte by byte."""
    ended: list[object] = []
    begun = threading.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            await say(writer)
            await reader.read()
            ended.append(None)
        except (OSError, asyncio.CancelledError) as error:
            ended.append(error)
        finally:
            writer.close()

    async def serve() -> None:
        nonlocal loop, stop, port
        loop, stop = asyncio.get_running_loop(), asyncio.Event()
        async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            begun.set()
            await stop.wait()

    loop, stop, port = None, None, 0
    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    begun.wait()
    try:
        yield RawReceiver(f"http://127.0.0.1:{port}/hook", ended)
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()


def once(text: bytes, *, closes: bool = False) -> Say:
    async def say(writer: asyncio.StreamWriter) -> None:
        writer.write(text)
        await writer.drain()
        if closes:
            writer.write_eof()

    return say


def endless(part: bytes, begin: bytes = b"", *, every: float = 0) -> Say:
    async def say(writer: asyncio.StreamWriter) -> None:
        writer.write(begin)
        while True:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(every)

    return say


def post(url: str, *, seconds: float) -> Answer | str:
    """The answer, or why there is none."""

    async def run() -> Answer | str:
        transport = Transport()
        try:
            return await transport.post(url, {}, "{}", seconds=seconds)
        except TryFailed as failed:
            return str(failed)
        finally:
            await transport.close()

    return asyncio.run(run())


@pytest.fixture
def parsed(monkeypatch) -> list[int]:
    """How many bytes the parser was given, in each read."""
    sizes: list[int] = []
    received = ResponseHandler.data_received

    def data_received(connection: ResponseHandler, data: bytes) -> None:
        sizes.append(len(data))
        received(connection, data)

    monkeypatch.setattr(ResponseHandler, "data_received", data_received)
    return sizes


@pytest.mark.parametrize(
    ("say", "expected"),
    [
        (endless(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 1000), TOO_LARGE),
        (endless(b"\r\n" * 20_000), TOO_LARGE),
        (once(b"HTTP/1.1 200 OK\r\n" + MANY_HEADERS, closes=True), TOO_LARGE),
        (
            endless(b"a" * 65_536, b"HTTP/1.1 200 OK\r\nx: "),
            "No answer: what came is not valid HTTP (Got more than 8190 bytes when reading).",
        ),
        (
            endless(b"a: b\r\n" * 10_000, b"HTTP/1.1 200 OK\r\n"),
            "No answer: what came is not valid HTTP (Too many headers received).",
        ),
        # A status counts, whatever comes behind its headers.
        (endless(b"a" * 65_536, CHUNKED + b"5;x="), Answer(200, "ok")),
        (endless(b"a: b\r\n" * 10_000, CHUNKED + b"0\r\n"), Answer(200, "ok")),
        (endless(b"\n" * 65_536, b"HTTP/1.1 200 OK\r\n\r\n"), Answer(200, "\n" * 1024)),
        (endless(b"a" * 65_536, b"HTTP/1.1 200 OK\r\n\r\n"), Answer(200, "a" * 1024)),
        (once(CHUNKED + b"no size\r\n"), Answer(200, "ok")),
        (once(b"HTTP/1.1 103\r\n\r\n" * 15 + CHUNKED + b"0\r\n\r\n"), Answer(200, "ok")),
    ],
)
def test_an_answer_is_read_to_32_kib(parsed, say, expected):
    """Whatever it is made of; what is over them ends the connection, and no deadline is needed."""
    with saying(say) as receiver:
        assert post(receiver.url, seconds=600) == expected
    assert sum(parsed) <= MAX_ANSWER_BYTES


@pytest.mark.parametrize("size", [1, 3])
@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (FEW_HEADERS, Answer(200, "ok")),
        (FEW_HEADERS.replace(b"\r\n", b"\n"), Answer(200, "ok")),
        (b"HTTP/1.1 103\r\nLink: x\r\n\r\n" * 15 + FEW_HEADERS, Answer(200, "ok")),
    ],
    ids=["CRLF", "LF", "after 15 of 1xx"],
)
def test_an_answer_may_come_in_parts_of_any_size(monkeypatch, said, expected, size):
    received = _Connection.data_received

    def in_parts(connection: _Connection, data: bytes) -> None:
        for start in range(0, len(data), size):
            received(connection, data[start : start + size])

    monkeypatch.setattr(_Connection, "data_received", in_parts)
    with saying(once(said)) as receiver:
        assert post(receiver.url, seconds=600) == expected


def test_the_deadline_ends_the_connection():
    with saying(endless(b"a: b\r\n", b"HTTP/1.1 200 OK\r\n", every=0.01)) as receiver:
        assert post(receiver.url, seconds=0.3) == "No answer within 0.3 s."
        eventually(lambda: len(receiver.ended) == 1, "the connection is closed")


def test_each_answer_on_a_kept_connection_has_its_own_32_kib():
    """Four are larger together, and their headers alone."""
    told = b"x: " + b"v" * 8000 + b"\r\n"
    connections = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(writer)
        while await reader.readline():
            await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(2)
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n" + told + told + b"\r\nok")

    async def run() -> None:
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        transport = Transport()
        for _ in range(4):
            answered = await transport.post(url, {}, "{}")
            assert answered == (200, "ok")
        await transport.close()
        server.close()

    asyncio.run(run())
    assert len(connections) == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("say", "told"),
    [
        (
            once(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 3\r\n\r\nwhy"),
            (400, "why", "Answered 400."),
        ),
        (
            once(b"SSH-2.0-OpenSSH_9.2\r\n"),
            (None, None, "No answer: what came is not valid HTTP (Bad status line)."),
        ),
        (once(b"HTTP/1.1 400 \x00\xff\r\n\r\n\0", closes=True), (400, "\ufffd", "Answered 400.")),
        (
            once(b"HTTP/1.1 200 OK\r\nServer: \xff\xfe\r\n", closes=True),
            (None, None, "No answer: the connection was closed before its headers ended."),
        ),
    ],
)
def test_a_failure_says_what_came_without_a_word_of_it(owner, say, told):
    with saying(say) as receiver:
        [delivery] = send(make_delivery(make_endpoint(owner.project, url=receiver.url)))
    assert delivery.status == "waiting"
    assert (delivery.response_status, delivery.response_body, delivery.failure) == told
