"""The HTTP client of the sender: to checked addresses, without redirects, within 10 s in all.

A name is resolved once for each connection. The connection goes to an address that was checked, and
TLS still asks for the name. aiohttp rather than httpx: a message costs a fifth of the processor.
"""

import asyncio
import os
import re
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from contextvars import ContextVar
from functools import partial
from typing import Any, Final, NamedTuple

import aiohttp
from aiohttp.abc import AbstractResolver, AbstractStreamWriter, ResolveResult
from aiohttp.client_proto import ResponseHandler
from aiohttp.http import RawResponseMessage
from yarl import URL

from webhooks.addresses import NO_CONNECTION, is_allowed
from webhooks.claims import MAX_UNDER_WAY
from webhooks.models import MAX_FAILURE_CHARACTERS, MAX_RESPONSE_BYTES, TIMEOUT

TIMEOUT_SECONDS: Final = TIMEOUT.total_seconds()
# Of all that a receiver sends in answer to a message: 1xx, headers, chunks and trailers included.
MAX_ANSWER_BYTES: Final = 32 * 1024
# One ends the headers of an answer, and of each 1xx before it.
MAX_BLANK_LINES: Final = 16
TOO_MANY_BYTES: Final = (
    f"more than {MAX_ANSWER_BYTES // 1024} KiB came before the end of its headers"
)
TOO_MANY_1XX: Final = f"{MAX_BLANK_LINES} answers of 1xx came, and no other"
_BLANK_LINE: Final = re.compile(rb"(?<=\n)\r?\n")
# Shorter than common servers keep a connection that is idle: they would close it under a message.
KEEP_ALIVE_SECONDS: Final = 3.0
# Each waits for one name, of a slow server of names for up to half a minute. There are as many as
# messages may be under way: a message keeps its place until its look-up has ended.
RESOLVING_THREADS: Final = MAX_UNDER_WAY

# The addresses of a name.
Resolve = Callable[[str], Awaitable[Sequence[str]]]
_LookUp = asyncio.Future[list[str]]
# Those that the try of this context waits for: one at most.
_look_ups: Final = ContextVar[list[_LookUp]]("look_ups")


class TryFailed(Exception):
    """A try that no answer came of; its text is why, for its customer, and `detail` for staff.

    `look_ups` are those that it waited for in vain, and that go on.
    """

    def __init__(
        self, why: str, detail: str | None = None, look_ups: Sequence[_LookUp] = ()
    ) -> None:
        super().__init__(why[:MAX_FAILURE_CHARACTERS])
        self.detail = detail and detail[:MAX_FAILURE_CHARACTERS]
        self.look_ups = look_ups


class AnswerTooLarge(aiohttp.ClientError):
    """An answer whose headers did not end in time; its text is what was too much."""


class Answer(NamedTuple):
    status: int
    body: str


class _Body(aiohttp.BytesPayload):
    """A body that notes when it is written: then there is a connection."""

    is_connected = False

    async def write_with_length(
        self, writer: AbstractStreamWriter, content_length: int | None
    ) -> None:
        self.is_connected = True
        await super().write_with_length(writer, content_length)


class _Connection(ResponseHandler):
    """A connection that ends once an answer is larger than MAX_ANSWER_BYTES, or has too many 1xx.

    The parser bounds only a line and the number of headers, and queues every 1xx.
    """

    _bytes_left = MAX_ANSWER_BYTES
    _blank_lines_left = MAX_BLANK_LINES
    # What the next read may make a blank line: a line's end may come in parts.
    _line_end = b""
    _is_answered = False

    def set_response_params(self, **parameters: Any) -> None:
        self._bytes_left = MAX_ANSWER_BYTES
        self._blank_lines_left = MAX_BLANK_LINES
        self._line_end = b""
        self._is_answered = False
        super().set_response_params(**parameters)

    def data_received(self, data: bytes) -> None:
        fault = None if len(data) <= self._bytes_left else TOO_MANY_BYTES
        data = data[: self._bytes_left]
        self._bytes_left -= len(data)
        start, data = len(self._line_end), self._line_end + data
        self._line_end = data[-2:] if data.endswith(b"\n\r") else data[-1:]
        for blank in _BLANK_LINE.finditer(data):
            # Headers alone: with a fault behind them the parser would drop them too.
            if self._is_answered:
                break
            if not self._blank_lines_left:
                fault, data = TOO_MANY_1XX, data[:start]
                break
            self._blank_lines_left -= 1
            super().data_received(data[start : blank.end()])
            start = blank.end()
        super().data_received(data[start:])
        if fault is not None and self.transport is not None:
            self.transport.abort()
            self.set_exception(AnswerTooLarge(fault))

    def feed_data(
        self, data: tuple[RawResponseMessage, aiohttp.StreamReader], size: int = 0
    ) -> None:
        self._is_answered = not 100 <= data[0].code < 200
        super().feed_data(data, size)

    def set_exception(self, exc: BaseException, *cause: BaseException) -> None:
        super().set_exception(exc, *cause)
        # What came of a body is read. The parser would leave one with a fault without an end.
        if self._payload is not None:
            payload, self._payload = self._payload, None
            payload.feed_eof()

    def close(self) -> None:
        """At once: TLS would wait for the receiver's farewell, and read on meanwhile."""
        self.abort()


class CheckedResolver(AbstractResolver):
    """The addresses of a name, if messages may go to each of them; raises TryFailed."""

    def __init__(self, resolve: Resolve | None = None) -> None:
        self._threads = ThreadPoolExecutor(RESOLVING_THREADS, "webhooks-names")
        self._running: dict[str, _LookUp] = {}
        self._resolve = resolve or self._of_the_machine

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        try:
            addresses = await self._resolve(host)
        except (OSError, UnicodeError) as error:
            why = error.strerror if isinstance(error, OSError) else error
            raise TryFailed(NO_CONNECTION, f"The name {host} can't be resolved: {why}.") from error
        for address in addresses:
            _require_allowed(address, host)
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for address in addresses
        ]

    async def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _of_the_machine(self, host: str) -> Sequence[str]:
        """A look-up outlives the try that began it; later tries of its host wait for it too."""
        running = self._running.get(host)
        if running is None:
            loop = asyncio.get_running_loop()
            running = loop.run_in_executor(self._threads, _addresses, host)
            self._running[host] = running
            running.add_done_callback(lambda done: self._looked_up(host, done))
        _look_ups.get([]).append(running)
        return await asyncio.shield(running)

    def _looked_up(self, host: str, done: _LookUp) -> None:
        del self._running[host]
        if not done.cancelled():
            done.exception()  # whoever waited may be gone


class Transport:
    """Belongs to the event loop that makes it."""

    def __init__(
        self, resolve: Resolve | None = None, ssl_context: ssl.SSLContext | None = None
    ) -> None:
        connector = aiohttp.TCPConnector(
            resolver=CheckedResolver(resolve),
            socket_factory=_checked_socket,
            ssl=ssl_context or True,
            use_dns_cache=False,
            limit=0,
            keepalive_timeout=KEEP_ALIVE_SECONDS,
        )
        # Public it is nowhere, and no setting of aiohttp's bounds a whole answer.
        connector._factory = partial(  # type: ignore[assignment]
            _Connection, loop=asyncio.get_running_loop()
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            # What is kept of an answer is what came: a small one may unpack to a large one.
            auto_decompress=False,
            timeout=aiohttp.ClientTimeout(total=None),
        )

    async def close(self) -> None:
        await self._session.close()

    async def post(
        self,
        url: str,
        headers: Mapping[str, str],
        body: str,
        *,
        seconds: float = TIMEOUT_SECONDS,
    ) -> Answer:
        """The answer: its status, and the first of its body. Raises TryFailed.

        The time counts names, connection, TLS, request and answer together. A status whose headers
        came within it and MAX_ANSWER_BYTES counts, whatever becomes of the body.
        """
        ends_at = asyncio.get_running_loop().time() + seconds
        data = _Body(body.encode())
        look_ups: list[_LookUp] = []
        _look_ups.set(look_ups)
        try:
            async with asyncio.timeout_at(ends_at):
                response = await self._session.post(
                    URL(url, encoded=True),
                    headers=headers,
                    data=data,
                    allow_redirects=False,
                )
        except TimeoutError:
            if not data.is_connected:
                why = f"No connection within {seconds:g} s."
                raise TryFailed(NO_CONNECTION, why, look_ups) from None
            raise TryFailed(f"No answer within {seconds:g} s.") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            # TLS fails at an address that is public, and answers.
            if not data.is_connected and not isinstance(error, aiohttp.ClientSSLError):
                raise TryFailed(NO_CONNECTION, str(error)) from error
            raise TryFailed(f"No answer: {_fault(error)}.") from error
        try:
            return Answer(response.status, await _first_of(response, ends_at))
        finally:
            # The connection is kept where the body was read to its end.
            response.release() if response.content.at_eof() else response.close()


async def _first_of(response: aiohttp.ClientResponse, ends_at: float) -> str:
    found = b""
    with suppress(TimeoutError, aiohttp.ClientError, OSError):
        async with asyncio.timeout_at(ends_at):
            async for part in response.content.iter_any():
                found += part
                if len(found) > MAX_RESPONSE_BYTES:
                    break
    return found[:MAX_RESPONSE_BYTES].decode(errors="replace").replace("\0", "�")


def _checked_socket(info: Any) -> socket.socket:
    """The socket of a connection: the address that it is about to go to is checked once more.

    An address in the endpoint's URL comes here without a resolver. Raises TryFailed.
    """
    family, type_, protocol, _name, address = info
    _require_allowed(str(address[0]))
    return socket.socket(family, type_, protocol)


def _require_allowed(address: str, host: str | None = None) -> None:
    if not is_allowed(address):
        whose = f" of {host}" if host else ""
        raise TryFailed(NO_CONNECTION, f"The address {address}{whose} is not public.")


def _addresses(host: str) -> list[str]:
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


def _fault(error: Exception) -> str:
    """What was wrong with the answer or the connection, without a word of the receiver's."""
    match error:
        case AnswerTooLarge():
            return str(error)
        case aiohttp.ServerDisconnectedError():
            return "the connection was closed before its headers ended"
        case aiohttp.ClientResponseError():
            # Of what the parser says, what stands before the colon is its own.
            why = error.message.partition(":")[0] or "unreadable"
            return f"what came is not valid HTTP ({why})"
        case aiohttp.ClientConnectorCertificateError(
            certificate_error=ssl.SSLCertVerificationError(verify_message=why)
        ):
            return f"its certificate is not valid ({why.rstrip('.')})"
        case aiohttp.ClientSSLError(os_error=ssl.SSLError(reason=why)):
            return f"TLS failed ({why})"
        case OSError(errno=int(number)):
            return f"the connection failed ({os.strerror(number)})"
    return "the connection failed"
