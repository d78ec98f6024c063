"""docs/capacity.md: as many database connections as it says, when everything waits at once."""

import os
import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlencode

import kombu
import psycopg
import pytest
from celery import Celery
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client as Staff
from rows import await_waiting_backends
from streaming import Client, create, wire_frames

from dev.local_stack import processes
from dev.local_stack.environment import PROJECT
from dev.poses.figure import perform
from kynaplatform.__main__ import PAGES_THREADS
from movespecs.models import MoveSpec
from realtime.checkpointer import FLUSHERS
from realtime.database import ATTACHES_AT_ONCE
from tests.concurrency.racing import Connection, locked, racing
from tests.conftest import SESSIONS, Machine
from tests.server import runtime_server, service
from tests.server import test_database_url as database_url
from tests.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)

FRAMES = wire_frames(perform("squat", repetitions=1, fps=10))
THREADS = 3
CONCURRENCY = 2  # as in compose.yaml
SESSIONS_HELD = 12
CHECKPOINT_CONNECTIONS = FLUSHERS + 1


def documented(process: str) -> int:
    page = (PROJECT / "docs" / "capacity.md").read_text()
    found = re.search(rf"^\| {process}[^|]*\| (?:`WEB_THREADS` \+ )?(\d+)", page, re.MULTILINE)
    assert found is not None
    return int(found[1])


def backends() -> dict[int, str]:
    """Connections to this database, and the kind of process that they say they are of."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pid, application_name FROM pg_stat_activity WHERE datname = current_database() "
            "AND pid <> pg_backend_pid() AND application_name LIKE 'kyna\\_%'"
        )
        return dict(cursor.fetchall())


@contextmanager
def celery(name: str, broker: str, folder: Path, *options: str) -> Iterator[None]:
    with (folder / f"{name}.log").open("wb") as log:
        process = processes.start(
            [sys.executable, "-m", "celery", "-A", "kynaplatform", name, *options],
            env={**os.environ, "DATABASE_URL": database_url(), "CELERY_BROKER_URL": broker},
            cwd=PROJECT,
            stdout=log,
        )
    try:
        yield
    finally:
        processes.stop(process, signals=[])


@contextmanager
def locked_rows(sessions: Sequence[dict[str, str]]) -> Iterator[None]:
    with psycopg.connect(database_url()) as holder:
        holder.execute(
            "SELECT FROM detection_session WHERE id = ANY (%s::uuid[]) FOR UPDATE",
            [[created["session_id"] for created in sessions]],
        )
        yield


def ask_everything(
    api: str, pages: str, monitors: Sequence[str], owner: Machine, session_id: str
) -> None:
    """So that each thread of both services has had something to do with the database."""
    staff = Staff()
    staff.force_login(User.objects.create_superuser("ada"))
    admin = {"cookie": f"kyna_admin={staff.cookies['kyna_admin'].value}"}
    guess = {"csrfmiddlewaretoken": "a" * 32, "username": "ada", "password": "wrong"}
    form = {"cookie": f"csrftoken={'a' * 32}", "content_type": "application/x-www-form-urlencoded"}
    login = Connection(pages)
    login.http.request("POST", "/admin/login/", urlencode(guess), {
        name.replace("_", "-"): value for name, value in form.items()
    })  # fmt: skip
    assert b"correct username and password" in login.http.getresponse().read()
    for monitored in monitors:
        for path in ("/healthz", "/readyz", "/metrics"):
            assert Connection(monitored).call("GET", path).status == 200
    with locked("django_session"):
        reads = [lambda: Connection(pages).call("GET", "/admin/", **admin)] * (2 * PAGES_THREADS)
        cancel = f"{SESSIONS}/{session_id}/cancel"
        cancels = [lambda: Connection(api).call("POST", cancel, token=owner.token)] * (2 * THREADS)
        with racing([*reads, *cancels]) as race:
            race.start()
            assert {answer.status for answer in race.results()[len(reads) :]} == {503}


def stream_while_rows_are_held(sessions: Sequence[dict[str, str]]) -> list[Client]:
    """So that each thread and connection of the runtime has waited."""
    with locked_rows(sessions):
        clients = [Client(created) for created in sessions]
        await_waiting_backends(ATTACHES_AT_ONCE)
    for client in clients:
        client.expect("session_update")
    with locked_rows(sessions[:1]):
        clients[0].send_batch(1, FRAMES[:1])
        await_waiting_backends(1)
        # One connection waits, so that these need the other.
        for client in clients[1:]:
            client.send_batch(1, FRAMES[:1])
        for client in clients[1:]:
            client.until("frame_ack")
        # What is held is left out after a second, and tried again beside.
        eventually(lambda: checkpointing() == CHECKPOINT_CONNECTIONS, "all of them store")
    return clients


def checkpointing() -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
            "AND application_name = 'kyna_runtime' AND query LIKE '%packed_state%'"
        )
        (count,) = cursor.fetchone()
    return int(count)


@pytest.mark.long
def test_each_process_holds_as_many_as_the_page_says(
    owner: Machine, movespec: MoveSpec, redis_url: str, tmp_path: Path
) -> None:
    broker = redis_url.rpartition("/")[0] + "/5"
    before = backends()  # of this process, which counts as a worker

    def held() -> dict[str, int]:
        return Counter(name for pid, name in backends().items() if pid not in before)

    with (
        celery("worker", broker, tmp_path, f"--concurrency={CONCURRENCY}"),
        celery("beat", broker, tmp_path, "--pidfile=", f"--schedule={tmp_path}/beat"),
        service("api", tmp_path, {"WEB_THREADS": str(THREADS)}) as api,
        service("pages", tmp_path) as pages,
        runtime_server(tmp_path) as runtime,
    ):
        sessions = [create(owner, movespec, runtime.url) for _ in range(SESSIONS_HELD)]
        clients = stream_while_rows_are_held(sessions)
        Connection(runtime.base_url).call("GET", "/readyz")
        with locked_rows(sessions[:1]):
            of_api, of_pages = (
                [f"http://127.0.0.1:{port}" for port in ports] for ports in (api, pages)
            )
            session_id = sessions[0]["session_id"]
            ask_everything(of_api[0], of_pages[0], [of_api[1], of_pages[1]], owner, session_id)
        with locked("detection_session"), kombu.Connection(broker) as sent_over:
            for _ in range(2 * CONCURRENCY):
                Celery(set_as_current=False).send_task(
                    "sessions_app.tasks.prune_expired", connection=sent_over
                )
            eventually(lambda: held().get("kyna_worker") == documented("a worker"), "both work")
        expected = {
            "kyna_api": THREADS + documented("a process of an API"),
            "kyna_web": documented("the pages"),
            # The last of them is that of the leases, which are renewed every 7.5 s.
            "kyna_runtime": documented("a runtime"),
            # Its heartbeat and its sweep: tasks give theirs back.
            "kyna_worker": 2,
        }
        with suppress(AssertionError):
            eventually(lambda: held() == expected, "as the page says")
        assert held() == expected
        for client in clients:
            client.socket.close()
