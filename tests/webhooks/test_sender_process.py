"""The worker that sends, as a process: its start and stop, and what a kill leaves."""

import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from dev.local_stack import processes
from dev.local_stack.environment import PROJECT, make_broker_folders
from kynaplatform import clock
from tests.server import test_database_url as database_url
from tests.waiting import eventually
from tests.webhooks.endpoint import make_delivery, make_endpoint
from tests.webhooks.receiver import Received, Reply
from webhooks.models import WebhookDelivery

pytestmark = pytest.mark.django_db(transaction=True)

START_SECONDS = 90.0


@contextmanager
def sender(
    folder: Path, name: str, url: str | None = None, **variables: str
) -> Iterator[subprocess.Popen[bytes]]:
    """Of the tests' database, or of another one."""
    make_broker_folders(folder)
    command = [sys.executable, "-m", "celery", "--quiet", "-A", "kynaplatform", "worker"]
    command += ["--pool=solo", "-Q", "webhooks", f"--hostname={name}@local"]
    command += ["--without-gossip", "--without-mingle", "--without-heartbeat"]
    env = os.environ | {
        "DATABASE_URL": url or database_url(),
        "DATA_DIR": str(folder),
        "CELERY_BROKER_URL": "filesystem://localhost",
        "TMPDIR": str(folder / "broker" / "taken"),
        **variables,
    }
    with (folder / f"{name}.log").open("wb") as log:
        process = processes.start(command, env=env, cwd=PROJECT, stdout=log)
    try:
        yield process
    finally:
        processes.stop(process, signals=[(signal.SIGTERM, START_SECONDS)])


def worker_of(process: subprocess.Popen[bytes]) -> int:
    """The worker itself, which its guard has started."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    return int(children[0]) if children else process.pid


def test_a_kill_in_the_midst_loses_nothing(owner, receiver, tmp_path):
    """Two senders; one is killed while it has messages under way. The other sends all of them."""
    endpoint = make_endpoint(owner.project, url=receiver.url)
    is_killed = threading.Event()

    def wait_for_the_kill(received: Received) -> Reply:
        is_killed.wait(60)
        return Reply()

    receiver.answer = wait_for_the_kill
    deliveries = [make_delivery(endpoint) for _ in range(60)]
    with sender(tmp_path, "first") as first:
        eventually(
            lambda: len(receiver.received) == 16,
            lambda: (tmp_path / "first.log").read_text(),
            START_SECONDS,
        )
        under_way = set(receiver.ids)
        os.kill(worker_of(first), signal.SIGKILL)
        first.wait(30)
        is_killed.set()
        # Their claims end in 30 s, which nobody waits for.
        rows = WebhookDelivery.objects.filter(claim_id__isnull=False)
        assert {str(one.id) for one in rows} == under_way
        rows.update(due_at=clock.now())
        with sender(tmp_path, "second"):
            eventually(
                lambda: not WebhookDelivery.objects.exclude(status="delivered").exists(),
                lambda: (tmp_path / "second.log").read_text(),
                START_SECONDS,
            )
    times = Counter(receiver.ids)
    assert set(times) == {str(one.id) for one in deliveries}
    assert {id_ for id_, count in times.items() if count == 2} == under_way
    assert set(times.values()) == {1, 2}
