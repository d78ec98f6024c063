"""Beat, as a process, after the machine's clock went back by an hour."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from celery.beat import PersistentScheduler

from dev.local_stack import processes
from dev.local_stack.environment import PROJECT, make_broker_folders
from kynaplatform.celery import app
from tests.waiting import eventually

HOUR = timedelta(hours=1)
WENT_BACK = "The clock went back by "
SENT = "Sending due task erase "
# That comes each 15 s.
SENT_SECONDS = 60.0


def store(schedule: Path, shift: timedelta) -> None:
    """A schedule whose last runs are `shift` from now."""
    stored = PersistentScheduler(app, schedule_filename=str(schedule))
    for entry in stored.schedule.values():
        entry.last_run_at += shift
    stored.close()


@contextmanager
def beat(folder: Path, **variables: str) -> Iterator[Path]:
    """Gives the log of beat, which runs on the schedule in `folder`."""
    make_broker_folders(folder)
    log = folder / "beat.log"
    words = ["celery", "--quiet", "-A", "kynaplatform", "beat", "--pidfile="]
    process = processes.start(
        [sys.executable, "-m", *words, f"--schedule={folder / 'schedule'}"],
        cwd=PROJECT,
        env={
            **os.environ,
            "DATA_DIR": str(folder),
            "CELERY_BROKER_URL": "filesystem://localhost",
            **variables,
        },
        stdout=log.open("wb"),
    )
    try:
        yield log
    finally:
        processes.stop(process, signals=[(signal.SIGTERM, 30)])


def says(log: Path, text: str) -> None:
    eventually(lambda: text in log.read_text(), log.read_text, SENT_SECONDS)


def test_a_stored_schedule_that_lies_ahead_begins_anew(tmp_path: Path) -> None:
    store(tmp_path / "schedule", HOUR)
    with beat(tmp_path) as log:
        says(log, SENT)
    assert log.read_text().count(WENT_BACK) == 1
