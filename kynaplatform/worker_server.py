"""`GET /healthz` and `/metrics` of a worker, on WORKER_METRICS_PORT, as on the API."""

from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import BoundedSemaphore, Thread
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec
from celery import bootsteps
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from prometheus_client import CONTENT_TYPE_LATEST

from kynaplatform.api.errors import NotFound, as_api_error
from kynaplatform.api.health import require_metrics_access
from kynaplatform.api.metrics import process_exposition

CLIENT_SECONDS: Final = 5
MOST_CLIENTS: Final = 16


class WorkerServer(bootsteps.StartStopStep):  # type: ignore[misc]
    """A thread of the worker's first process; port 0 is none at all."""

    # Once the pool's processes are forked, which would keep the port.
    requires = {"celery.worker.components:Pool"}

    def __init__(self, worker: Any, metrics_host: str = "127.0.0.1", **_: Any) -> None:
        self._host = metrics_host
        self._server: ThreadingHTTPServer | None = None

    def include_if(self, worker: Any) -> bool:
        return bool(settings.WORKER_METRICS_PORT)

    def start(self, worker: Any) -> None:
        address = (self._host, settings.WORKER_METRICS_PORT)
        try:
            self._server = _Server(address)
        except (OSError, OverflowError) as error:
            raise ImproperlyConfigured(f"WORKER_METRICS_PORT {address[1]}: {error}.") from error
        Thread(target=self._server.serve_forever, name="metrics", daemon=True).start()

    def stop(self, worker: Any) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()

    terminate = stop


class _Server(ThreadingHTTPServer):
    """Of few threads: who comes when all are taken is let go."""

    daemon_threads = True

    def __init__(self, address: tuple[str, int]) -> None:
        self._free = BoundedSemaphore(MOST_CLIENTS)
        super().__init__(address, _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        if self._free.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """It has left, or sends what is no HTTP: no news either."""


class _Handler(BaseHTTPRequestHandler):
    timeout = CLIENT_SECONDS

    def do_GET(self) -> None:
        headers: dict[str, str] = {}
        try:
            status, (body, content_type) = HTTPStatus.OK, self._body()
        except Exception as fault:  # noqa: BLE001 - whatever it is, the client gets the one body
            error = as_api_error(fault)
            status, headers = HTTPStatus(error.status), dict(error.headers)
            body, content_type = msgspec.json.encode(error.body()), "application/json"
            if status == HTTPStatus.UNAUTHORIZED:
                headers["WWW-Authenticate"] = "Bearer"
        self.send_response_only(status)
        headers |= {"Content-Type": content_type, "Content-Length": str(len(body))}
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_HEAD = do_GET  # noqa: N815

    def _body(self) -> tuple[bytes, str]:
        match urlsplit(self.path).path:
            case "/healthz":
                return b'{"status":"ok"}', "application/json"
            case "/metrics":
                require_metrics_access(self.headers.get("Authorization", ""))
                return process_exposition(), CONTENT_TYPE_LATEST
        raise NotFound("path")

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name there
        """Requests of a monitoring are no news."""
