"""The worker and beat of `make run`, as processes on a real broker, expire a stale session."""

import json
import signal
import subprocess
import time
import urllib.request
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from local_stack import processes
from local_stack.environment import make_broker_folders
from local_stack.ports import free_port
from local_stack.run import make_services
from movespecs.models import MoveSpec
from sessions_app.models import DetectionSession, Status
from tests.conftest import Machine
from tests.other_clock import clock_ahead
from tests.server import test_database_url as database_url

pytestmark = pytest.mark.django_db(transaction=True)

# Beat sends the sweep every 15 s; the rest is for a slow machine to start three processes.
PATIENCE_SECONDS = 90.0


def eventually(condition: Callable[[], bool], what: str, log: Callable[[], str]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"never: {what}\n{log()}"
        time.sleep(0.1)


def make_session(owner: Machine, movespec: MoveSpec, minutes_left: int) -> DetectionSession:
    now = timezone.now()
    deadline_at = now + timedelta(minutes=minutes_left)
    return DetectionSession.objects.create(
        project=owner.project,
        resolved_version_id=movespec.current_released_version_id,
        mode="live",
        contract_major=1,
        status=Status.CREATED,
        created_at=deadline_at - timedelta(minutes=5),
        deadline_at=deadline_at,
        signing_key_id=owner.project.id,
        runtime_token_expires_at=now,
        stream_url="ws://127.0.0.1/",
    )


def is_ready(base_url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{base_url}/readyz", timeout=5) as response:  # noqa: S310
            body = json.load(response)
    except OSError:
        return False
    return bool(body["broker"] == "ok")


def worker_tells_of_it(port: int, log: Callable[[], str]) -> None:
    url, sweep = f"http://127.0.0.1:{port}", "sessions_app.tasks.expire_sessions"
    with urllib.request.urlopen(f"{url}/healthz", timeout=5) as response:  # noqa: S310
        assert json.load(response) == {"status": "ok"}

    def has_run() -> bool:
        # Its end is noted after its work is committed.
        return told(url)["kyna_task_runs_total", "success", sweep] > 0

    eventually(has_run, "the end of the sweep", log)
    metrics = told(url)
    assert metrics["kyna_sessions_ended_total", "session_expired", "expired"] == 1
    assert metrics["kyna_task_runs_total", "failure", sweep] == 0
    sent_at = metrics[("kyna_beat_last_sent_timestamp_seconds",)]
    assert time.time() - PATIENCE_SECONDS < sent_at < time.time()
    assert sent_at < metrics["kyna_task_last_run_timestamp_seconds", sweep] < time.time()
    assert metrics["kyna_task_last_run_timestamp_seconds", "sessions_app.tasks.prune_expired"] == 0


def told(url: str) -> dict[tuple[str, ...], float]:
    """Samples by their name and the values of their labels, these by theirs."""
    with urllib.request.urlopen(f"{url}/metrics", timeout=5) as response:  # noqa: S310
        text = response.read().decode()
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


@pytest.mark.parametrize("broker", ["filesystem", "redis"])
def test_a_stale_session_expires_and_sigterm_stops_every_process(
    broker: str,
    owner: Machine,
    movespec: MoveSpec,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    url = "filesystem://localhost"
    if broker == "redis":
        # A database of its own: nothing else's messages.
        redis = urlsplit(request.getfixturevalue("redis_url"))
        url = redis._replace(path="/7").geturl()
    stale, live = make_session(owner, movespec, -1), make_session(owner, movespec, +2)
    make_broker_folders(tmp_path)
    for name, value in {
        "DATABASE_URL": database_url(),
        "DATA_DIR": str(tmp_path),
        "CELERY_BROKER_URL": url,
        "WORKER_METRICS_PORT": str(worker_port := free_port()),
    }.items():
        monkeypatch.setenv(name, value)
    port = free_port()
    running: dict[str, subprocess.Popen[bytes]] = {}

    def log() -> str:
        return "\n".join((tmp_path / f"{name}.log").read_text() for name in running)

    try:
        for service in make_services(port, free_port(), tmp_path):
            with (tmp_path / f"{service.name}.log").open("wb") as output:
                # By its own clock what is alive would be overdue, and each message of beat too old.
                clock = clock_ahead(150) if service.name == "worker" else {}
                running[service.name] = processes.start(
                    service.command, env={**service.env, **clock}, cwd=service.cwd, stdout=output
                )
        eventually(lambda: is_ready(f"http://127.0.0.1:{port}"), "ready", log)
        eventually(
            lambda: DetectionSession.objects.get(id=stale.id).status != Status.CREATED, "swept", log
        )
        stale.refresh_from_db()
        assert (stale.status, stale.terminal_outcome, stale.error_code) == (
            "cancelled",
            "expired",
            "session_expired",
        )
        assert stale.ended_at == stale.created_at + timedelta(minutes=5)
        live.refresh_from_db()
        assert live.status == Status.CREATED
        worker_tells_of_it(worker_port, log)
    finally:
        statuses = {
            name: processes.stop(process, signals=[(signal.SIGTERM, PATIENCE_SECONDS)])
            for name, process in running.items()
        }
    assert statuses == {"web": 0, "stream": 0, "worker": 0, "beat": 0}
