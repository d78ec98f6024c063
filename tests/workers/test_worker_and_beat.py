"""What `make run` runs, as processes on a real broker: a stale session expires, and what each of
them tells of itself is what the documentation, the alerts and the dashboard name.
"""

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from dev.local_stack import processes
from dev.local_stack.environment import PROJECT, make_broker_folders
from dev.local_stack.ports import free_port
from dev.local_stack.run import make_services
from dev.local_stack.services import RunLog
from dev.poses.figure import perform
from kynaplatform import __version__
from movespecs.models import MoveSpec
from sessions_app.metrics import job_run_record
from sessions_app.models import DetectionSession, Status
from tests.conftest import Machine
from tests.deploy.promql import (
    OF_NODE_EXPORTER,
    OF_THE_SCRAPE,
    Names,
    dashboard_expressions,
    names_in,
    rules,
)
from tests.other_clock import clock_ahead
from tests.realtime.streaming import Client, create, wire_frames
from tests.server import test_database_url as database_url
from tests.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)

# The worker sweeps every 5 s; the rest is for a slow machine to start three processes.
DEADLINE_SECONDS = 90.0


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
        with urllib.request.urlopen(f"{base_url}/readyz", timeout=30) as response:  # noqa: S310
            body = json.load(response)
    except OSError:
        return False
    return bool(body["broker"] == "ok")


@dataclass(frozen=True)
class Platform:
    """Where its servers answer, the variables of all, and what they have logged."""

    web: str
    stream: str
    worker: str
    sender: str
    environment: Mapping[str, str]
    log: Callable[[], str]


@pytest.fixture(
    scope="module", params=["filesystem", pytest.param("redis", marks=pytest.mark.long)]
)
def platform(
    request: pytest.FixtureRequest, django_db_setup: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Platform]:
    """Running; at the end SIGTERM stops every process."""
    url = "filesystem://localhost"
    if request.param == "redis":
        # A database of its own: nothing else's messages.
        redis = urlsplit(request.getfixturevalue("redis_url"))
        url = redis._replace(path="/7").geturl()
    folder = tmp_path_factory.mktemp(request.param)
    make_broker_folders(folder)
    port, stream_port, worker_port, sender_port = (free_port() for _ in range(4))
    variables = {
        "DATABASE_URL": database_url(),
        "DATA_DIR": str(folder),
        "CELERY_BROKER_URL": url,
        "WORKER_METRICS_PORT": str(worker_port),
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in variables.items():
            patch.setenv(name, value)
        services = make_services(port, stream_port, folder, RunLog(folder / "platform.log"))
    running: dict[str, subprocess.Popen[bytes]] = {}

    def log() -> str:
        return "\n".join((folder / f"{name}.log").read_text() for name in running)

    try:
        for service in services:
            with (folder / f"{service.name}.log").open("wb") as output:
                # By its own clock what is alive would be overdue, and each message of beat too old.
                own = clock_ahead(150) if service.name == "worker" else {}
                if service.name == "webhooks":
                    own = {"WORKER_METRICS_PORT": str(sender_port)}
                running[service.name] = processes.start(
                    service.command, env={**service.env, **own}, cwd=PROJECT, stdout=output
                )
        urls = [
            f"http://127.0.0.1:{port}" for port in (port, stream_port, worker_port, sender_port)
        ]
        eventually(lambda: is_ready(urls[0]), log, DEADLINE_SECONDS)
        yield Platform(*urls, variables, log)
    finally:
        statuses = {
            name: processes.stop(process, signals=[(signal.SIGTERM, DEADLINE_SECONDS)])
            for name, process in running.items()
        }
    assert statuses == {"web": 0, "stream": 0, "worker": 0, "webhooks": 0, "beat": 0}


def test_a_stale_session_expires(owner: Machine, movespec: MoveSpec, platform: Platform) -> None:
    stale, live = make_session(owner, movespec, -1), make_session(owner, movespec, +2)
    eventually(
        lambda: DetectionSession.objects.get(id=stale.id).status != Status.CREATED,
        platform.log,
        DEADLINE_SECONDS,
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
    worker_tells_of_it(platform)


def test_status_says_that_all_is_well_until_a_process_is_not(
    owner: Machine, platform: Platform
) -> None:
    jobs = {"web": platform.web, "realtime": platform.stream, "worker": platform.worker}
    jobs["webhooks"] = platform.sender

    def status(*more: str, **targets: str) -> tuple[int, str]:
        groups = [
            {"labels": {"job": f"kynaplatform-{job}"}, "targets": [urlsplit(url).netloc]}
            for job, url in {**jobs, **targets}.items()
        ]
        done = subprocess.run(
            [sys.executable, "manage.py", "status", "--targets", "-", *more],
            cwd=PROJECT, env={**os.environ, **platform.environment}, input=json.dumps(groups),
            capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        return done.returncode, done.stdout or done.stderr

    # Another test has emptied the table of last runs. By this worker's clock no message to erase is
    # young enough, and no minute has passed yet.
    job_run_record(name="erasure.tasks.erase", now=timezone.now())
    eventually(lambda: status()[0] == 0, lambda: f"{status()}", DEADLINE_SECONDS)

    told = json.loads(status("--json")[1])
    assert (told["is_well"], told["problems"]) == (True, [])
    assert [(one["job"], one["state"], one["version"]) for one in told["processes"]] == [
        (job, "ok", __version__) for job in jobs
    ]
    late = {one["name"]: one["is_late"] for one in told["late"]}
    for name in ("beat", "sender", "sweep", "last sweep"):
        assert late[name] is False, name
    assert told["checks"] == dict.fromkeys(told["checks"], "ok") | {"redis": "unused"}

    nowhere = f"http://127.0.0.1:{free_port()}"
    code, text = status(worker=nowhere)
    lines = text.splitlines()
    assert (code, lines[1]) == (1, "NOT WELL, 1 problem:")
    assert lines[2] == f"  worker at {urlsplit(nowhere).netloc}: down (ConnectionRefusedError)"
    # One screen.
    assert len(lines) <= 40
    assert max(map(len, lines)) <= 100


def worker_tells_of_it(platform: Platform) -> None:
    url, erase = platform.worker, "erasure.tasks.erase"
    with urllib.request.urlopen(f"{url}/healthz", timeout=30) as response:  # noqa: S310
        assert json.load(response) == {"status": "ok"}

    def has_come() -> bool:
        # By this worker's clock none of beat's is young enough to be run.
        return told(url)["kyna_task_runs_total", "expired", erase] > 0

    eventually(has_come, platform.log, DEADLINE_SECONDS)
    metrics = told(url)
    assert metrics["kyna_sessions_ended_total", "session_expired", "expired"] == 1
    assert metrics["kyna_task_runs_total", "failure", erase] == 0
    sent_at = metrics[("kyna_beat_last_sent_timestamp_seconds",)]
    assert time.time() - DEADLINE_SECONDS < sent_at < time.time()
    in_database, cleaning = told(platform.web), "sessions_app.tasks.prune_expired"
    # The worker's own clock is 150 s ahead.
    ran_at = in_database[("kyna_sweep_last_run_timestamp_seconds",)]
    assert time.time() - DEADLINE_SECONDS < ran_at < time.time() + 1
    assert in_database["kyna_task_last_run_timestamp_seconds", cleaning] == 0


def told(url: str) -> dict[tuple[str, ...], float]:
    """Samples by their name and the values of their labels, these by theirs."""
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for sample in samples(url)
    }


def samples(url: str) -> list[Any]:
    with urllib.request.urlopen(f"{url}/metrics", timeout=30) as response:  # noqa: S310
        text = response.read().decode()
    return [sample for family in text_string_to_metric_families(text) for sample in family.samples]


def names_told(url: str) -> Names:
    found: Names = {}
    for sample in samples(url):
        found.setdefault(sample.name, set()).update(sample.labels)
    return found


def names_documented(kind: str) -> Names:
    """What the table of docs/operations.md has of a kind of server."""
    table = (PROJECT / "docs" / "operations.md").read_text()
    rows = re.findall(r"^\| (`kyna_.+?) \| (.+?) \|", table, re.MULTILINE)
    return {
        name: {label for label in labels.strip("{}").split(",") if label}
        for cell, of in rows
        if of == "each" or kind in of.split(", ")
        for name, labels in re.findall(r"`(kyna_\w+)(\{[^}]*\})?`", cell)
    }


def test_metrics_that_are_named_are_those_that_there_are(
    owner: Machine, movespec: MoveSpec, platform: Platform
) -> None:
    """By the documentation, the alerts and the dashboard, once each has happened."""
    stream_url = f"{platform.stream.replace('http', 'ws')}/api/detection/stream"
    client = Client(create(owner, movespec, stream_url))
    client.send_batch(1, [*wire_frames(perform("squat", repetitions=1, fps=10))[:2], None])
    client.until("frame_ack")
    client.send("no message")
    assert client.to_the_end() == 4400
    samples(platform.web)  # the next tells of this one

    exposed: Names = {"up": set()} | OF_NODE_EXPORTER
    for kind, url in (
        ("API", platform.web),
        ("runtime", platform.stream),
        ("worker", platform.worker),
    ):
        ours = {
            re.sub("_(bucket|count|sum)$", "", name): labels - {"le"}
            for name, labels in names_told(url).items()
            if name.startswith("kyna_") and not name.endswith("_created")
        }
        assert ours == names_documented(kind)
        exposed |= names_told(url)
    for expression in [*(rule["expr"] for rule in rules()), *dashboard_expressions()]:
        for name, labels in names_in(expression).items():
            assert name in exposed, expression
            assert labels <= exposed[name] | OF_THE_SCRAPE, expression
