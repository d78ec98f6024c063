"""A worker, as a process, sweeps by its own timer: whatever its tasks and the broker do."""

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import kombu
import psutil
import pytest
from celery import Celery
from django.db import connection

from dev.local_stack import processes
from dev.local_stack.environment import PROJECT
from dev.local_stack.ports import free_port
from movespecs.models import MoveSpec
from sessions_app.metrics import swept_at
from sessions_app.models import DetectionSession
from tests.admin.session_rows import overdue
from tests.server import test_database_url as database_url
from tests.server import worker_and_beat
from tests.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)

RETENTION = "sessions_app.tasks.apply_retention"
# By --concurrency in compose.yaml.
TASKS_AT_ONCE = 2
# Its end is noted, and that takes minutes.
STUCK = f"""
CREATE FUNCTION stand_still() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN PERFORM pg_sleep(200); RETURN NEW; END $$;
CREATE TRIGGER stand_still BEFORE INSERT ON last_run
    FOR EACH ROW WHEN (NEW.name = '{RETENTION}') EXECUTE FUNCTION stand_still();
"""


def stuck() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'")
        return int(cursor.fetchone()[0])


@pytest.fixture
def retention_is_stuck() -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute(STUCK)
        yield
        cursor.execute("DROP FUNCTION stand_still CASCADE")


def is_swept(session_id: str) -> bool:
    session = DetectionSession.objects.get(id=session_id)
    return session.terminal_outcome == "expired" and swept_at() is not None


def test_it_sweeps_while_retention_is_stuck_and_while_it_waits_for_that_to_stop(
    movespec: MoveSpec, broker: str, retention_is_stuck: None, tmp_path: Path
) -> None:
    log = tmp_path / "worker.log"
    with worker_and_beat(tmp_path, broker):
        try:
            with kombu.Connection(broker) as sent_over:
                for _ in range(TASKS_AT_ONCE):
                    Celery(set_as_current=False).send_task(RETENTION, connection=sent_over)
            eventually(lambda: stuck() == TASKS_AT_ONCE, log.read_text, 60)
            for is_stopping in (False, True):
                if is_stopping:
                    [worker] = [
                        one for one in psutil.Process().children() if "worker" in one.cmdline()
                    ]
                    worker.terminate()
                    eventually(lambda: "Warm shutdown" in log.read_text(), log.read_text)
                late = overdue(movespec, "created")
                eventually(lambda late=late: is_swept(late), log.read_text, 30)
                assert stuck() == TASKS_AT_ONCE
        finally:
            # A worker that is stopped waits for its tasks.
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE wait_event = 'PgSleep'"
                )


def test_it_sweeps_without_a_broker(movespec: MoveSpec, tmp_path: Path) -> None:
    late = overdue(movespec, "created")
    log = tmp_path / "worker.log"
    variables = {
        "DATABASE_URL": database_url(),
        "DATA_DIR": str(tmp_path),
        "CELERY_BROKER_URL": f"redis://127.0.0.1:{free_port()}/0",
    }
    worker = processes.start(
        [sys.executable, "-m", "celery", "-A", "kynaplatform", "worker", "--pool", "solo"],
        env={**os.environ, **variables},
        cwd=PROJECT,
        stdout=log.open("wb"),
    )
    try:
        eventually(lambda: is_swept(late), log.read_text, 60)
    finally:
        processes.stop(worker, signals=[(signal.SIGTERM, 30)])
