"""Metrics of a worker: how its tasks end, and when beat sent the messages that it takes."""

import time
from collections.abc import Iterable
from typing import Any

from celery import signals, states
from prometheus_client import Counter, Gauge

from kynaplatform import clock

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
# The newest of what its processes tell.
BEAT_SENT = Gauge(
    "kyna_beat_last_sent_timestamp_seconds",
    "When beat sent the newest message that this worker has seen; 0: none yet.",
    multiprocess_mode="max",
)


def add_sent_at(headers: dict[str, Any], **_: Any) -> None:
    """The header by which workers know when beat was last there."""
    headers[SENT_AT] = time.time()


def watch_tasks(names: Iterable[str]) -> None:
    """Metrics from a worker's first process on, before the others are forked."""
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
