"""A database that says nothing holds a request for 5 s: cut off, or frozen"""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from racing import Answer, Connection, other_backends, session_body

from movespecs.models import MoveSpec
from sessions_app.models import DetectionSession
from tests.conftest import SESSIONS, Machine
from tests.plugin import skip_without
from tests.realtime.database_proxy import database_proxy
from tests.server import api_server
from tests.server import test_database_url as database_url

pytestmark = pytest.mark.django_db(transaction=True)
# Less than the kernel takes to give a connection up that nobody answers on, and than nginx waits.
PATIENCE_SECONDS = 15


def create(base_url: str, owner: Machine, movespec: MoveSpec) -> Answer:
    client = Connection(base_url)
    client.http.sock.settimeout(PATIENCE_SECONDS)
    return client.create(owner, "k", **session_body(owner, movespec))


@contextmanager
def frozen(pids: set[int]) -> Iterator[None]:
    """They hold their connections, whose kernel takes what is sent, and do nothing."""
    try:
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        yield
    except (ProcessLookupError, PermissionError):
        skip_without("The database's processes are not of this machine, or not ours")
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def assert_unavailable(answer: Answer) -> None:
    assert (answer.status, answer.error["code"]) == (503, "service_unavailable")
    assert DetectionSession.objects.count() == 0


@pytest.mark.long
def test_one_that_was_cut_off(owner: Machine, movespec: MoveSpec, tmp_path: Path) -> None:
    with (
        database_proxy(database_url()) as database,
        api_server(tmp_path, environment={"DATABASE_URL": database.url}) as base_url,
    ):
        assert Connection(base_url).call("GET", SESSIONS, token=owner.token).status == 200
        database.hang()
        # The first finds its connection silent, and the next can make none.
        for _ in range(2):
            assert_unavailable(create(base_url, owner, movespec))
        database.reach()
        assert create(base_url, owner, movespec).status == 201
    assert DetectionSession.objects.count() == 1


@pytest.mark.long
def test_one_that_is_frozen(owner: Machine, movespec: MoveSpec, tmp_path: Path) -> None:
    with api_server(tmp_path, environment={"WEB_THREADS": "1"}) as base_url:
        assert Connection(base_url).call("GET", SESSIONS, token=owner.token).status == 200
        with frozen(other_backends()):
            assert_unavailable(create(base_url, owner, movespec))
        # What was sent to it before may still be done, and then this is the replay of it.
        answer = create(base_url, owner, movespec)
        assert answer.status == 201
    assert str(DetectionSession.objects.get().id) == answer.json()["session_id"]
