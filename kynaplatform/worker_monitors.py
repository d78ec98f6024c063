"""A worker's `GET /healthz` and `/metrics` on WORKER_METRICS_PORT, and the metrics of its tasks."""

import time
from collections.abc import Callable, Iterable
from typing import Any, Final
from wsgiref.types import StartResponse, WSGIEnvironment

from celery import bootsteps, signals, states
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpResponse
from prometheus_client import CONTENT_TYPE_LATEST, Counter, Gauge

from kynaplatform import clock
from kynaplatform.api.error_answers import as_api_error, error_response
from kynaplatform.api.errors import NotFound, ServiceUnavailable
from kynaplatform.api.platform_views import require_metrics_access
from kynaplatform.metrics.exposition import process_exposition
from kynaplatform.monitor_server import MonitorServer

# Whether the part of that name works, as `/healthz` asks.
health_checks: Final[dict[str, Callable[[], bool]]] = {}


class PartFails(ServiceUnavailable):
    sentence = "A part of this worker fails. Its log says why."


class WorkerServer(bootsteps.StartStopStep):  # type: ignore[misc]
    """Answers in a thread of the worker's first process; not with port 0."""

    # After the pool's processes are forked: they would keep the port.
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
    try:
        response = _answer(environ)
    except Exception as fault:  # noqa: BLE001 - answered with the one body
        response = error_response(as_api_error(fault))
    response["Content-Length"] = str(len(response.content))
    start_response(f"{response.status_code} {response.reason_phrase}", [*response.items()])
    return [response.content]


def _answer(environ: WSGIEnvironment) -> HttpResponse:
    match environ["PATH_INFO"]:
        case "/healthz":
            if failing := [name for name, is_well in health_checks.items() if not is_well()]:
                raise PartFails(**dict.fromkeys(failing, "failing"))
            return HttpResponse(b'{"status":"ok"}', content_type="application/json")
        case "/metrics":
            require_metrics_access(environ.get("HTTP_AUTHORIZATION", ""))
            return HttpResponse(process_exposition(), content_type=CONTENT_TYPE_LATEST)
    raise NotFound("path")


# --- Tasks --------------------------------------------------------------------------------------

# A header of beat's messages.
SENT_AT = "kyna_sent_at"

RUNS = Counter(
    "kyna_task_runs",
    "Tasks by how they ended; an expired one came too late to be run.",
    ["task", "outcome"],
)
FAILED_AT = Gauge(
    "kyna_task_failed_timestamp_seconds",
    "When the task last failed, by the database's clock; 0: not since this worker's start.",
    ["task"],
    multiprocess_mode="max",
)
# The newest of this worker's processes.
BEAT_SENT = Gauge(
    "kyna_beat_last_sent_timestamp_seconds",
    "When beat sent the newest message that this worker has seen; 0: none yet.",
    multiprocess_mode="max",
)


def add_sent_at(headers: dict[str, Any], **_: Any) -> None:
    """Add the header by which workers know when beat last sent."""
    headers[SENT_AT] = time.time()


def watch_tasks(names: Iterable[str]) -> None:
    """Begin the metrics in a worker's first process, before the others are forked."""
    for name in names:
        for outcome in ("success", "failure", "expired"):
            RUNS.labels(name, outcome)
        FAILED_AT.labels(name)
    signals.task_postrun.connect(_note_end)
    signals.task_received.connect(_note_received)
    signals.task_revoked.connect(_note_not_run)


def _note_end(task: Any, state: str, **_: Any) -> None:
    RUNS.labels(task.name, state.lower()).inc()
    if state == states.FAILURE:
        FAILED_AT.labels(task.name).set(clock.known_now().timestamp())


def _note_received(request: Any, **_: Any) -> None:
    _note_sent(request.request_dict.get(SENT_AT))


def _note_not_run(sender: Any, request: Any, expired: bool, **_: Any) -> None:
    RUNS.labels(sender.name, "expired" if expired else "revoked").inc()
    _note_sent(request.get(SENT_AT))


def _note_sent(sent_at: float | None) -> None:
    if sent_at is not None:
        BEAT_SENT.set(sent_at)
