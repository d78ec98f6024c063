"""The control plane as granian serves it: the application of `python -m kynaplatform`.

Only a request that has arrived whole takes a thread. Under WSGI each would take its thread first
and wait for its body there, so that a few half-sent ones stop a process.
"""

import asyncio
import gc
import logging
from collections.abc import Callable, Iterable
from functools import lru_cache
from io import BytesIO, RawIOBase
from queue import SimpleQueue
from sys import stderr
from threading import Thread
from typing import TYPE_CHECKING, Any

import msgspec
from django.conf import settings
from django.http import Http404
from django.urls import resolve

from kynaplatform.answering import Answering
from kynaplatform.api.bodies import MOST_BODY_BYTES, BodyNotReceived
from kynaplatform.api.errors import ServiceUnavailable
from kynaplatform.api.operations import operation_of
from kynaplatform.api.request_id import request_id_of
from kynaplatform.content_type import forget_unreadable
from kynaplatform.file_answers import FileAnswer
from kynaplatform.incoming import HttpProtocol, Incoming, chunks_of
from kynaplatform.monitor_paths import MONITOR_PATHS
from kynaplatform.streamed import ClientTooSlow, send_as_made
from kynaplatform.wsgi import api, pages

if TYPE_CHECKING:
    from granian.rsgi import Scope

logger = logging.getLogger("kynaplatform.rsgi")

# A page may take long: none of the API's threads.
STAFF_THREADS = 2
STAFF_PATHS = ("/admin/", "/static/")
# Pages for anybody: the first waits for what is down, and then no page of staff with it.
PUBLIC_THREADS, MOST_READERS_WAITING = 2, 128
PUBLIC_PAGES, PUBLIC_PATHS = frozenset({"/", "/try"}), ("/docs/", "/try/figures/")
# A list of everything takes minutes, or longer to who reads it slowly: one at a time.
DOWNLOAD_PREFIX, DOWNLOAD_SUFFIX = "/admin/", "/csv/"
DOWNLOAD_THREADS, MOST_DOWNLOADS_WAITING = 1, 2
# Guesses from many addresses hold each other up, and no page.
LOGIN = ("POST", "/admin/login/")
LOGIN_THREADS, MOST_LOGINS_WAITING = 1, 16
# A database that says nothing holds every other thread.
HEALTH_PATH = "/healthz"
MONITOR_THREADS, MOST_MONITORS_WAITING = 1, 16
# With their bodies: at most 256 MiB of a process.
MOST_WAITING = 512
LONGEST_PATH = 200
AMBIGUOUS = ""
METHODS_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})


Wsgi = Callable[[dict[str, Any], Any], Iterable[bytes]]
Headers = list[tuple[str, str]]
Send = Callable[[HttpProtocol, int, Headers, Iterable[bytes]], None]


def send_whole(
    protocol: HttpProtocol, status: int, headers: Headers, chunks: Iterable[bytes]
) -> None:
    protocol.response_bytes(status, headers, b"".join(chunks))


class Threads:
    """Threads that serve requests, each one after the other; at most so many more wait."""

    def __init__(
        self,
        application: Wsgi,
        number: int,
        name: str,
        most_waiting: int = MOST_WAITING,
        send: Send = send_whole,
    ) -> None:
        self._application = application
        self._answering = Answering()
        self._most_waiting = most_waiting
        self._send = send
        self._requests: SimpleQueue[Callable[[], None]] = SimpleQueue()
        for count in range(number):
            Thread(target=self._serve, name=f"{name}-{count}", daemon=True).start()

    async def answer(self, protocol: HttpProtocol, environ: dict[str, Any]) -> None:
        if self._requests.qsize() >= self._most_waiting:
            protocol.response_bytes(*busy(environ))
            return
        answered = self._answering.begin()

        def answer() -> None:
            try:
                respond(self._application, protocol, environ, self._send)
            except ClientTooSlow:
                logger.info("a download was not taken to its end")
            except Exception:
                # Unanswered, the server says 500.
                logger.exception("a request was not answered")
            finally:
                self._answering.answered(answered)

        self._requests.put(answer)
        await answered

    def _serve(self) -> None:
        while True:
            self._requests.get()()


class Application:
    """Receives bodies in the event loop, and serves whole requests in threads."""

    def __rsgi_init__(self, _loop: asyncio.AbstractEventLoop) -> None:
        # What was imported is never garbage, and need not be looked through for it.
        gc.freeze()
        self._incoming = Incoming()
        self._for_api = Threads(api, settings.WEB_THREADS, "api")
        self._for_staff = Threads(pages, STAFF_THREADS, "staff")
        self._for_public = Threads(pages, PUBLIC_THREADS, "public", MOST_READERS_WAITING)
        self._for_health = Threads(api, MONITOR_THREADS, "health", MOST_MONITORS_WAITING)
        self._for_monitors = Threads(api, MONITOR_THREADS, "monitors", MOST_MONITORS_WAITING)
        self._for_logins = Threads(pages, LOGIN_THREADS, "login", MOST_LOGINS_WAITING)
        self._for_downloads = Threads(
            pages, DOWNLOAD_THREADS, "download", MOST_DOWNLOADS_WAITING, send_as_made
        )

    async def __rsgi__(self, scope: "Scope", protocol: HttpProtocol) -> None:
        length = declared_length(scope.headers)
        threads = self._threads_for(scope.method, scope.path)
        is_wanted = length != 0 and wants_body(scope.method, scope.path)
        if length == 0:
            await threads.answer(protocol, environ_of(scope, b""))
        elif is_wanted and length is not None and length <= MOST_BODY_BYTES:
            body = await self._incoming.receive(protocol, length)
            await threads.answer(protocol, environ_of(scope, body))
        else:
            chunks = chunks_of(protocol)
            is_wanted = is_wanted and length is None
            received = await self._incoming.receive_chunks(chunks) if is_wanted else b""
            await threads.answer(protocol, environ_of(scope, received))
            if received is not None:
                await self._incoming.discard(chunks)

    def _threads_for(self, method: str, path: str) -> Threads:
        if (method, path) == LOGIN:
            return self._for_logins
        if path in MONITOR_PATHS:
            return self._for_health if path == HEALTH_PATH else self._for_monitors
        if path in PUBLIC_PAGES or path.startswith(PUBLIC_PATHS):
            return self._for_public
        if path.startswith(DOWNLOAD_PREFIX) and path.endswith(DOWNLOAD_SUFFIX):
            return self._for_downloads
        return self._for_staff if path.startswith(STAFF_PATHS) else self._for_api


def declared_length(headers: Any) -> int | None:
    """The bytes of the body that follows; None for one in chunks. The server has refused others."""
    if "transfer-encoding" in headers:
        return None
    return int(headers.get("content-length", "0"))


def wants_body(method: str, path: str) -> bool:
    """Whether what serves this reads a body; where none is read, nobody waits for it."""
    # Nothing of ours has a longer path, and what is kept is to be small.
    return method in METHODS_WITH_BODY and len(path) <= LONGEST_PATH and _reads_body(method, path)


@lru_cache(maxsize=1024)
def _reads_body(method: str, path: str) -> bool:
    try:
        view = resolve(path).func
    except Http404:
        return False
    if not hasattr(view, "cls"):
        return True  # a page for staff
    operation = operation_of(view, method)
    return operation is not None and operation.body is not None


class LateBody(RawIOBase):
    """A body that did not come: whoever reads it refuses the request."""

    def readable(self) -> bool:
        return True

    def readinto(self, _buffer: Any) -> int:
        raise BodyNotReceived


def environ_of(scope: "Scope", body: bytes | None) -> dict[str, Any]:
    """The WSGI environment (PEP 3333) of a request; its body is None where it did not come."""
    server, _, port = scope.server.rpartition(":")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": scope.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": scope.path.encode().decode("latin-1"),
        "QUERY_STRING": scope.query_string.encode().decode("latin-1"),
        "SERVER_NAME": server,
        "SERVER_PORT": port,
        "SERVER_PROTOCOL": f"HTTP/{scope.http_version}",
        "REMOTE_ADDR": scope.client.rpartition(":")[0].strip("[]"),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.scheme,
        "wsgi.input": LateBody() if body is None else BytesIO(body),
        "wsgi.errors": stderr,
        "wsgi.file_wrapper": FileAnswer,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    for name, value in scope.headers.items():
        key = key_of(name)
        if key in environ:
            value = f"{environ[key]}{'; ' if key == 'HTTP_COOKIE' else ','}{value}"
        environ[key] = value
    for name in scope.headers.keys():  # noqa: SIM118 - it is no mapping
        # Without a value: it is not of ASCII. What reads it must not take it for absent.
        environ.setdefault(key_of(name), "\xff")
    # X_Forwarded_For would pass for X-Forwarded-For.
    environ.pop(AMBIGUOUS, None)
    # Django reads nothing where no length is told, nor where a body is late.
    length = 1 if body is None else len(body)
    if length and "CONTENT_LENGTH" not in environ:
        environ["CONTENT_LENGTH"] = str(length)
    forget_unreadable(environ)
    return environ


@lru_cache(maxsize=1024)
def key_of(name: str) -> str:
    """A header's key in the environment; AMBIGUOUS for one that could pass for another."""
    if "_" in name:
        return AMBIGUOUS
    key = name.upper().replace("-", "_")
    return key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"


def busy(environ: dict[str, Any]) -> tuple[int, Headers, bytes]:
    """What is answered at once where too many wait."""
    error = ServiceUnavailable()
    logger.warning(
        "too many requests wait: one of %(address)s is not served",
        {"address": environ["REMOTE_ADDR"]},
    )
    headers = [
        ("Content-Type", "application/json"),
        ("X-Request-ID", request_id_of(environ.get("HTTP_X_REQUEST_ID", ""))),
        *error.headers.items(),
    ]
    return error.status, headers, msgspec.json.encode(error.body())


def respond(application: Wsgi, protocol: HttpProtocol, environ: dict[str, Any], send: Send) -> None:
    """Send what the WSGI application answers."""
    started: list[tuple[int, Headers]] = []

    def start_response(status: str, headers: Headers, *_: Any) -> Any:
        started.append((int(status[:3]), headers))

    response: Any = application(environ, start_response)
    try:
        if isinstance(response, FileAnswer):
            response.send(protocol, *started[-1])
        else:
            send(protocol, *started[-1], response)
    finally:
        response.close()


application = Application()
