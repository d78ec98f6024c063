"""Redis stopped under a worker and beat, as processes: a few lines of it, and no traceback"""

import os
import signal
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest
from celery.beat import PersistentScheduler

from dev.local_stack import processes
from dev.local_stack.ports import free_port, listens
from kynaplatform.celery import app
from sessions_app.models import PlatformHeartbeat
from tests.plugin import installed
from tests.server import worker_and_beat
from tests.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)


def start_redis(port: int, folder: Path) -> "subprocess.Popen[bytes]":
    options = ["--bind", "127.0.0.1", "--port", str(port), "--dir", str(folder), "--save", ""]
    process = processes.start(
        [installed("redis-server"), *options],
        env=os.environ,
        stdout=(folder / "redis.log").open("ab"),
    )
    eventually(lambda: listens(port), "Redis listens", 60)
    return process


def stop(process: "subprocess.Popen[bytes]") -> None:
    processes.stop(process, signals=[(signal.SIGTERM, 10)])


def make_erase_due(schedule: Path) -> None:
    """As beat begins it sends one, and the next 15 s later."""
    scheduler = PersistentScheduler(app, schedule_filename=str(schedule))
    scheduler.schedule["erase"].last_run_at -= timedelta(minutes=1)
    scheduler.close()


@pytest.mark.long
def test_a_broker_that_is_away_is_told_now_and_then(tmp_path: Path) -> None:
    port = free_port()

    def logs() -> list[str]:
        return [(tmp_path / f"{name}.log").read_text() for name in ("worker", "beat")]

    def all_say(text: str) -> None:
        eventually(lambda: all(text in log for log in logs()), lambda: "\n".join(logs()), 60)

    redis = start_redis(port, tmp_path)
    try:
        make_erase_due(tmp_path / "schedule")
        with worker_and_beat(tmp_path, f"redis://127.0.0.1:{port}/0"):
            eventually(lambda: " succeeded in " in logs()[0], lambda: "\n".join(logs()), 60)
            before = logs()
            stop(redis)
            # Beat finds that as it sends the next task.
            all_say("the broker is out of reach")
            away = [log.removeprefix(first) for log, first in zip(logs(), before, strict=True)]
            # The database knows that the worker lives.
            alive_at = PlatformHeartbeat.objects.get().alive_at
            eventually(lambda: PlatformHeartbeat.objects.get().alive_at > alive_at, "it lives", 30)
            redis = start_redis(port, tmp_path)
            all_say("the broker is back after ")
    finally:
        stop(redis)
    for log in logs():
        assert "Traceback" not in log
        assert log.count("the broker is out of reach") == log.count("the broker is back") == 1
    # Besides, each says once what it goes on with: as many tasks as before, the next task.
    assert [len(lines.splitlines()) for lines in away] == [2, 2]
