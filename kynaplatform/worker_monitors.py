"""`GET /healthz` and `/metrics` of a worker, on WORKER_METRICS_PORT, as on the API."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final
from wsgiref.types import StartResponse, WSGIEnvironment

import msgspec
from celery import bootsteps
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from prometheus_client import CONTENT_TYPE_LATEST

from kynaplatform.api.error_answers import as_api_error
from kynaplatform.api.errors import NotFound, ServiceUnavailable
from kynaplatform.api.health import require_metrics_access
from kynaplatform.http.monitor_server import MonitorServer
from kynaplatform.metrics.exposition import process_exposition

# What `/healthz` asks of this process: whether the part of that name works.
health_checks: Final[dict[str, Callable[[], bool]]] = {}


class PartFails(ServiceUnavailable):
    sentence = "A part of this worker fails. Its log says why."


class WorkerServer(bootsteps.StartStopStep):  # type: ignore[misc]
    """A thread of the worker's first process; port 0 is none at all."""

    # Once the pool's processes are forked, which would keep the port.
    requires = {"celery.worker.components:Pool"}

    def __init__(self, worker: Any, metrics_host: str = "127.0.0.1", **_: Any) -> None:
        self._host = metrics_host
        self._server: MonitorServer | None = None

    def include_if(self, worker: Any) -> bool:
        return bool(settings.WORKER_METRICS_PORT)

    def start(self, worker: Any) -> None:
        port = settings.WORKER_METRICS_PORT
        try:
            self._server = MonitorServer(self._host, port)
        except (OSError, OverflowError) as error:
            raise ImproperlyConfigured(f"WORKER_METRICS_PORT {port}: {error}.") from error
        self._server.begin(application)

    def stop(self, worker: Any) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()

    terminate = stop


def application(environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
    headers: dict[str, str] = {}
    try:
        status, (body, content_type) = HTTPStatus.OK, _answer(environ)
    except Exception as fault:  # noqa: BLE001 - whatever it is, the client gets the one body
        error = as_api_error(fault)
        status, headers = HTTPStatus(error.status), dict(error.headers)
        body, content_type = msgspec.json.encode(error.body()), "application/json"
        if status == HTTPStatus.UNAUTHORIZED:
            headers["WWW-Authenticate"] = "Bearer"
    headers |= {"Content-Type": content_type, "Content-Length": str(len(body))}
    start_response(f"{status} {status.phrase}", [*headers.items()])
    return [body]


def _answer(environ: WSGIEnvironment) -> tuple[bytes, str]:
    match environ["PATH_INFO"]:
        case "/healthz":
            if failing := [name for name, is_well in health_checks.items() if not is_well()]:
                raise PartFails(**dict.fromkeys(failing, "failing"))
            return b'{"status":"ok"}', "application/json"
        case "/metrics":
            require_metrics_access(environ.get("HTTP_AUTHORIZATION", ""))
            return process_exposition(), CONTENT_TYPE_LATEST
    raise NotFound("path")
