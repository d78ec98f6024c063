"""A task that fails in a real worker is counted, and its log says why, as KynaTasksFail tells."""

import json
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import kombu
import pytest
from celery import Celery
from prometheus_client.parser import text_string_to_metric_families

from dev.local_stack.ports import free_port
from tests.server import worker_and_beat
from tests.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)

CLEANING = "sessions_app.tasks.prune_expired"


def value_of(port: int, name: str, **labels: str) -> float:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as response:
        text = response.read().decode()
    [value] = [
        sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == name and sample.labels == {"task": CLEANING, **labels}
    ]
    return float(value)


def failures(port: int) -> float:
    return value_of(port, "kyna_task_runs_total", outcome="failure")


def failed_at(port: int) -> float:
    return value_of(port, "kyna_task_failed_timestamp_seconds")


Lines = Callable[[], list[dict[str, Any]]]


@contextmanager
def worker(folder: Path, broker: str, **environment: str) -> Iterator[tuple[int, Lines]]:
    """Gives the port of its metrics, and the lines of its log."""
    port, metrics = free_port(), folder / "metrics"
    metrics.mkdir()
    given = {
        "LOG_FORMAT": "json",
        "WORKER_METRICS_PORT": str(port),
        "PROMETHEUS_MULTIPROC_DIR": str(metrics),
        **environment,
    }
    with worker_and_beat(folder, broker, given):
        yield (
            port,
            lambda: [json.loads(line) for line in (folder / "worker.log").read_text().splitlines()],
        )


def send(broker: str, **options: Any) -> None:
    with kombu.Connection(broker) as connection:
        Celery(set_as_current=False).send_task(CLEANING, connection=connection, **options)


def test_of_a_database_that_is_away_it_says_so_and_no_traceback(
    broker: str, tmp_path: Path
) -> None:
    url = f"postgresql://nobody@127.0.0.1:{free_port()}/none"
    with worker(tmp_path, broker, DATABASE_URL=url) as (port, lines):
        assert failed_at(port) == 0
        sent_at = time.time()
        send(broker)
        eventually(lambda: failures(port) >= 1, lambda: str(lines()), 60)
        assert sent_at < failed_at(port) < time.time()
        told = lines()
    assert [one["dependency"] for one in told if one["logger"] == "kynaplatform.outages"][:1] == [
        "the database"
    ]
    assert any("is out of reach" in one["message"] for one in told)
    assert not any("exception" in one for one in told)
