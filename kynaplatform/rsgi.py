"""The control plane as granian serves it: `granian --interface rsgi kynaplatform.rsgi:application`.

Only a request that has arrived whole takes a thread. Under WSGI each would take its thread first
and wait for its body there, so that a few half-sent ones stop a process.
"""

import asyncio
import logging
from collections.abc import Callable
from functools import lru_cache
from io import BytesIO, RawIOBase
from queue import SimpleQueue
from sys import stderr
from threading import Thread
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.http import Http404
from django.urls import resolve

from kynaplatform.api.bodies import MOST_BODY_BYTES, BodyNotReceived
from kynaplatform.api.views import operation_of
from kynaplatform.incoming import HttpProtocol, Incoming
from kynaplatform.wsgi import application as wsgi_application

if TYPE_CHECKING:
    from granian.rsgi import Scope

logger = logging.getLogger("kynaplatform.rsgi")

# Hashing a password takes one of these for 0.15 s, and a page may take longer: none of the API's.
STAFF_THREADS = 2
STAFF_PATHS = ("/admin/", "/static/")
AMBIGUOUS = ""
METHODS_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})


class Threads:
    """Threads that serve requests, each one after the other."""

    def __init__(self, number: int, name: str) -> None:
        self._requests: SimpleQueue[Callable[[], None]] = SimpleQueue()
        for count in range(number):
            Thread(target=self._serve, name=f"{name}-{count}", daemon=True).start()

    async def answer(self, protocol: HttpProtocol, environ: dict[str, Any]) -> None:
        loop = asyncio.get_running_loop()
        answered = loop.create_future()

        def answer() -> None:
            try:
                protocol.response_bytes(*answer_of(environ))
            except Exception:
                # Unanswered, the server says 500.
                logger.exception("a request was not answered")
            finally:
                loop.call_soon_threadsafe(answered.set_result, None)

        self._requests.put(answer)
        await answered

    def _serve(self) -> None:
        while True:
            self._requests.get()()


class Application:
    """Receives bodies in the event loop, and serves whole requests in threads."""

    def __rsgi_init__(self, _loop: asyncio.AbstractEventLoop) -> None:
        self._incoming = Incoming()
        self._for_api = Threads(settings.WEB_THREADS, "api")
        self._for_staff = Threads(STAFF_THREADS, "staff")

    async def __rsgi__(self, scope: "Scope", protocol: HttpProtocol) -> None:
        length = declared_length(scope.headers)
        body: bytes | None = b""
        is_wanted = (
            length != 0
            and (length is None or length <= MOST_BODY_BYTES)
            and wants_body(scope.method, scope.path)
        )
        if is_wanted:
            body = await self._incoming.receive(protocol, length)
        threads = self._for_staff if scope.path.startswith(STAFF_PATHS) else self._for_api
        await threads.answer(protocol, environ_of(scope, body))
        if length != 0 and not is_wanted:
            await self._incoming.discard(protocol)


def declared_length(headers: Any) -> int | None:
    """The bytes of the body that follows; None for one in chunks. The server has refused others."""
    if "transfer-encoding" in headers:
        return None
    return int(headers.get("content-length", "0"))


@lru_cache(maxsize=1024)
def wants_body(method: str, path: str) -> bool:
    """Whether what serves this reads a body; where none is read, nobody waits for it."""
    if method not in METHODS_WITH_BODY:
        return False
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
        "QUERY_STRING": scope.query_string,
        "SERVER_NAME": server,
        "SERVER_PORT": port,
        "SERVER_PROTOCOL": f"HTTP/{scope.http_version}",
        "REMOTE_ADDR": scope.client.rpartition(":")[0].strip("[]"),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.scheme,
        "wsgi.input": LateBody() if body is None else BytesIO(body),
        "wsgi.errors": stderr,
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
        environ.setdefault(key_of(name), "\ufffd")
    # X_Forwarded_For would pass for X-Forwarded-For.
    environ.pop(AMBIGUOUS, None)
    # Django reads nothing where no length is told, nor where a body is late.
    length = 1 if body is None else len(body)
    if length and "CONTENT_LENGTH" not in environ:
        environ["CONTENT_LENGTH"] = str(length)
    return environ


@lru_cache(maxsize=1024)
def key_of(name: str) -> str:
    """A header's key in the environment; AMBIGUOUS for one that could pass for another."""
    if "_" in name:
        return AMBIGUOUS
    key = name.upper().replace("-", "_")
    return key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"


def answer_of(environ: dict[str, Any]) -> tuple[int, list[tuple[str, str]], bytes]:
    """The status, headers and body that the WSGI application answers."""
    started: list[tuple[int, list[tuple[str, str]]]] = []

    def start_response(status: str, headers: list[tuple[str, str]], *_: Any) -> Any:
        started.append((int(status[:3]), headers))

    response: Any = wsgi_application(environ, start_response)
    try:
        body = b"".join(response)
        return *started[-1], body
    finally:
        response.close()


application = Application()
