"""The sender's HTTP client: to checked addresses, without redirects, within 10 s in all.

A name is resolved once for each connection, which goes to an address that was checked, while TLS
still verifies the name. aiohttp needs a fifth of httpx's processor time for a message.
"""

import asyncio
import os
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from contextvars import ContextVar
from functools import partial
from http import HTTPStatus
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
# A receiver's whole response: 1xx, headers, chunks and trailers included.
MAX_ANSWER_BYTES: Final = 32 * 1024
# Shorter than common servers keep an idle connection, which they could close under a message.
KEEP_ALIVE_SECONDS: Final = 3.0

# The addresses of a name.
Resolve = Callable[[str], Awaitable[Sequence[str]]]
_LookUp = asyncio.Future[list[str]]
# The look-up that the try of this context waits for: at most one.
_look_ups: Final = ContextVar[list[_LookUp]]("look_ups")


class TryFailed(Exception):
    """A try without a response. Its text says why to the customer, `detail` to staff.

    `look_ups` are the look-ups that it gave up on and that still run.
    """

    def __init__(
        self, why: str, detail: str | None = None, look_ups: Sequence[_LookUp] = ()
    ) -> None:
        super().__init__(why[:MAX_FAILURE_CHARACTERS])
        self.detail = detail and _storable(detail[:MAX_FAILURE_CHARACTERS].encode(errors="replace"))
        self.look_ups = look_ups


class AnswerTooLarge(aiohttp.ClientError):
    """The headers of a response did not end within MAX_ANSWER_BYTES."""


class Answer(NamedTuple):
    status: int
    body: str


class _Body(aiohttp.BytesPayload):
    """A body that records that it is being written, which shows that there is a connection."""

    is_connected = False

    async def write_with_length(
        self, writer: AbstractStreamWriter, content_length: int | None
    ) -> None:
        self.is_connected = True
        await super().write_with_length(writer, content_length)


class _Connection(ResponseHandler):
    """A connection that ends once a response exceeds MAX_ANSWER_BYTES, and drops each 1xx.

    aiohttp's parser bounds only a line and the number of headers, and queues every 1xx.
    """

    _bytes_left = MAX_ANSWER_BYTES

    def set_response_params(self, **parameters: Any) -> None:
        self._bytes_left = MAX_ANSWER_BYTES
        super().set_response_params(**parameters)

    def data_received(self, data: bytes) -> None:
        is_too_large = len(data) > self._bytes_left
        data = data[: self._bytes_left]
        self._bytes_left -= len(data)
        # The headers by themselves: for a fault after them the parser would drop them too.
        headers, blank, body = data.partition(b"\r\n\r\n")
        super().data_received(headers + blank)
        if body:
            super().data_received(body)
        if is_too_large and self.transport is not None:
            self.transport.abort()
            self.set_exception(AnswerTooLarge())

    def feed_data(
        self, data: tuple[RawResponseMessage, aiohttp.StreamReader], size: int = 0
    ) -> None:
        code = data[0].code
        if code == HTTPStatus.SWITCHING_PROTOCOLS or not 100 <= code < 200:
            super().feed_data(data, size)

    def set_exception(self, exc: BaseException, *cause: BaseException) -> None:
        super().set_exception(exc, *cause)
        # The part of the body that came is read. The parser would never end one with a fault.
        if self._payload is not None:
            payload, self._payload = self._payload, None
            payload.feed_eof()

    def close(self) -> None:
        """Close at once. TLS would wait for the receiver's close, and read on meanwhile."""
        self.abort()


class CheckedResolver(AbstractResolver):
    """Resolves a name to its addresses. Raises TryFailed unless messages may go to each."""

    def __init__(self, resolve: Resolve | None = None) -> None:
        # Each waits for one name, for up to half a minute. A message keeps its place until its
        # look-up has ended, so that this many are enough.
        self._threads = ThreadPoolExecutor(MAX_UNDER_WAY, "webhooks-names")
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
        """A look-up outlives the try that began it."""
        loop = asyncio.get_running_loop()
        look_up = loop.run_in_executor(self._threads, _addresses, host)
        look_up.add_done_callback(lambda done: done.cancelled() or done.exception())
        _look_ups.get([]).append(look_up)
        return await asyncio.shield(look_up)


class Transport:
    """A client of the event loop that makes it."""

    def __init__(self, resolve: Resolve | None = None) -> None:
        connector = aiohttp.TCPConnector(
            resolver=CheckedResolver(resolve),
            socket_factory=_checked_socket,
            use_dns_cache=False,
            limit=0,
            keepalive_timeout=KEEP_ALIVE_SECONDS,
        )
        # Not public, but no setting of aiohttp's bounds a whole response.
        connector._factory = partial(  # type: ignore[assignment]
            _Connection, loop=asyncio.get_running_loop()
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            # A small body may unpack to a large one.
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
        """Send a message. Returns the status and the start of the body. Raises TryFailed.

        `seconds` are for name, connection, TLS, request and response together. The status counts
        once its headers have come, whatever becomes of the body.
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
            # TLS only fails with a server that is public and responds.
            if not data.is_connected and not isinstance(error, aiohttp.ClientSSLError):
                raise TryFailed(NO_CONNECTION, str(error)) from error
            raise TryFailed(f"No answer: {_fault(error)}.") from error
        try:
            return Answer(response.status, await _first_of(response, ends_at))
        finally:
            # The connection is reused if the body was read to its end.
            response.release() if response.content.at_eof() else response.close()


async def _first_of(response: aiohttp.ClientResponse, ends_at: float) -> str:
    found = b""
    with suppress(TimeoutError, aiohttp.ClientError, OSError):
        async with asyncio.timeout_at(ends_at):
            async for part in response.content.iter_any():
                found += part
                if len(found) > MAX_RESPONSE_BYTES:
                    break
    return _storable(found[:MAX_RESPONSE_BYTES])


def _storable(text: bytes) -> str:
    return text.decode(errors="replace").replace("\0", "�")


def _checked_socket(info: Any) -> socket.socket:
    """The socket of a connection, whose address is checked here too. Raises TryFailed.

    An IP address in the endpoint's URL passes no resolver.
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
    """The fault of the response or the connection, without any text of the receiver's."""
    match error:
        case AnswerTooLarge():
            return f"more than {MAX_ANSWER_BYTES // 1024} KiB came before the end of its headers"
        case aiohttp.ServerDisconnectedError():
            return "the connection was closed before its headers ended"
        case aiohttp.ClientResponseError():
            # The parser's message quotes the receiver after the colon.
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
