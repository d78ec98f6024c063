"""`kill -9` of the web process at any point of a create: a whole session or none, then one.

The processes killed are workers of the server that the test itself started.
"""

import contextlib
import http.client
import json
import os
import random
import re
import signal
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from racing import (
    Answer,
    Connection,
    locked,
    other_backends,
    session_body,
    terminate,
    waiting_backends,
)

from dev.local_stack.guard import children_of
from movespecs.models import MoveSpec
from projects.models import SigningKey
from sessions_app.models import DetectionSession
from tests.conftest import SESSIONS, Machine
from tests.server import api_server
from tests.sessions_app.new_session import COLUMNS
from tests.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)

KILLS = 25
WORKERS = 3
RESPAWN = {"GRANIAN_RESPAWN_INTERVAL": "0.1"}
ANSWERED = [
    "session_id", "project_id", "status", "mode", "resolved_movespec_version_id", "stream_url",
    "runtime_token", "input_schema_version", "output_schema_version",
]  # fmt: skip
Lost = (http.client.HTTPException, ConnectionError)


def workers() -> list[int]:
    """The pids of the workers of the server that this test started."""
    guards = children_of(os.getpid())
    servers = [server for guard in guards for server in children_of(guard)]
    return [
        worker
        for server in servers
        for worker in children_of(server)
        # A backend of PostgreSQL has the name of its user in it.
        if b"\0-m\0kynaplatform\0" in command_line(worker)
    ]


def command_line(pid: int) -> bytes:
    """Empty for a process that has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def stands_still(pid: int) -> bool:
    stats = [path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/stat")]
    return all(stat.rpartition(")")[2].split()[0] == "T" for stat in stats)


def worker_of(connection: Connection) -> int:
    """The pid of the worker that accepted `connection`."""
    # A table that changes while it is read may have a line twice.
    (inode,) = {
        fields[9]
        for fields in map(str.split, Path("/proc/net/tcp").read_text().splitlines()[1:])
        if fields[1].endswith(f":{connection.http.port:04X}")
        and fields[2].endswith(f":{connection.local_port:04X}")
        and fields[9] != "0"
    }
    (pid,) = (pid for pid in workers() if f"socket:[{inode}]" in open_files(pid))
    return pid


def open_files(pid: int) -> set[str]:
    found = set()
    with contextlib.suppress(OSError):
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(OSError):
                found.add(str(descriptor.readlink()))
    return found


def connect(base_url: str) -> Connection:
    """A connection that a living worker has accepted."""
    deadline = time.monotonic() + 30
    while True:
        try:
            connection = Connection(base_url)
            assert connection.call("GET", "/healthz").status == 200
        except Lost:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        else:
            return connection


def connect_to_another(base_url: str, newest: set[int]) -> tuple[Connection, int]:
    """A connection to a worker that was not started last, and its pid.

    granian takes two deaths in a row of one worker for a crash loop, and ends.
    """
    while True:
        connection = connect(base_url)
        pid = worker_of(connection)
        if pid not in newest:
            return connection, pid
        connection.close()


def send_create(connection: Connection, machine: Machine, movespec: MoveSpec, key: str) -> None:
    connection.http.request(
        "POST",
        SESSIONS,
        json.dumps(session_body(machine, movespec)).encode(),
        {
            "Authorization": f"Bearer {machine.token}",
            "Content-Type": "application/json",
            "Idempotency-Key": key,
        },
    )


def answer_if_any(connection: Connection) -> bytes | None:
    try:
        response = connection.http.getresponse()
        body = response.read()
    except Lost:
        return None
    assert response.status == 201
    return body


def retry(base_url: str, machine: Machine, movespec: MoveSpec, key: str) -> Answer:
    connection = connect(base_url)
    answer = connection.create(machine, key, **session_body(machine, movespec))
    connection.close()
    assert answer.status == 201
    return answer


def assert_is_whole(session: DetectionSession, machine: Machine, movespec: MoveSpec) -> None:
    attach = timedelta(seconds=settings.SESSION_ATTACH_SECONDS)
    longest = timedelta(seconds=settings.SESSION_MAX_SECONDS)
    columns = DetectionSession.objects.filter(id=session.id).values().get()
    assert len(columns.pop("request_fingerprint")) == 32
    assert columns | COLUMNS == columns | {"idempotency_key": None}
    given = {name: value for name, value in columns.items() if name not in COLUMNS}
    assert given == {
        "id": session.id,
        "project_id": machine.project.id,
        "resolved_version_id": movespec.current_released_version_id,
        "created_by": machine.credential.id,
        "mode": "live",
        "created_at": session.created_at,
        "deadline_at": session.created_at + attach,
        "signing_key_id": SigningKey.objects.get().id,
        "runtime_token_expires_at": session.created_at + attach + longest,
        "stream_url": f"{settings.PUBLIC_STREAM_URL}/{session.id}",
    }


def assert_answers_for(answer: Answer, session: DetectionSession) -> None:
    body = answer.json()
    assert list(body) == ANSWERED
    assert body["session_id"] == str(session.id)
    assert body["stream_url"] == session.stream_url
    assert re.fullmatch(r"[\w-]+\.[\w-]+\.[\w-]{86}", body["runtime_token"])


@pytest.mark.long
def test_a_kill_at_a_random_moment_leaves_a_whole_session_or_none_and_a_retry_makes_one(
    owner: Machine, movespec: MoveSpec, tmp_path: Path
) -> None:
    outcomes: Counter[str] = Counter()
    chosen = random.Random(64)  # noqa: S311
    # Moves towards the moment of the commit, wherever this machine has it.
    middle_seconds = 0.004
    with api_server(tmp_path, workers=WORKERS, environment=RESPAWN) as base_url:
        known = set(workers())
        for number in range(KILLS):
            key = f"key-{number}"
            eventually(lambda: len(workers()) == WORKERS, "every worker runs again")
            connection, pid = connect_to_another(base_url, set(workers()) - known)
            known = set(workers())
            send_create(connection, owner, movespec, key)
            time.sleep(chosen.uniform(0, 2 * middle_seconds))
            os.kill(pid, signal.SIGKILL)
            received = answer_if_any(connection)
            left = DetectionSession.objects.filter(idempotency_key=key).first()
            middle_seconds *= 1.25 if left is None else 0.8
            if left is not None:
                assert_is_whole(left, owner, movespec)
            answer = retry(base_url, owner, movespec, key)
            session = DetectionSession.objects.get(idempotency_key=key)
            assert_is_whole(session, owner, movespec)
            assert_answers_for(answer, session)
            assert left is None or (left.id == session.id and answer.is_replay)
            assert received in (None, answer.body)
            outcomes["none" if left is None else "answered" if received else "whole"] += 1
            assert DetectionSession.objects.count() == number + 1
    # Otherwise the loop would not have looked at both sides of the commit.
    assert outcomes["none"] > 0, outcomes
    assert outcomes["whole"] + outcomes["answered"] > 0, outcomes


@pytest.fixture
def blocked(owner: Machine, movespec: MoveSpec) -> Any:
    """Start a create of key `k` that waits, in PostgreSQL, for a lock; its connection and pid."""

    def start(base_url: str) -> tuple[Connection, int]:
        connection = connect(base_url)
        pid = worker_of(connection)
        send_create(connection, owner, movespec, "k")
        eventually(lambda: waiting_backends() == 1, "the create waits")
        return connection, pid

    return start


def test_a_kill_before_admission_leaves_none(
    owner: Machine, movespec: MoveSpec, tmp_path: Path, blocked: Any
) -> None:
    with api_server(tmp_path, environment=RESPAWN) as base_url:
        with locked("projects_accesstoken"):
            connection, pid = blocked(base_url)
            os.kill(pid, signal.SIGKILL)
            assert answer_if_any(connection) is None
        eventually(lambda: not other_backends(), "the server's backend is gone")
        assert DetectionSession.objects.count() == 0
        answer = retry(base_url, owner, movespec, "k")
    assert not answer.is_replay
    assert_answers_for(answer, DetectionSession.objects.get())


def test_a_kill_during_the_statement_leaves_a_whole_session_that_the_retry_finds(
    owner: Machine, movespec: MoveSpec, tmp_path: Path, blocked: Any
) -> None:
    with api_server(tmp_path, environment=RESPAWN) as base_url:
        with locked("detection_session"):
            connection, pid = blocked(base_url)
            os.kill(pid, signal.SIGKILL)
            assert answer_if_any(connection) is None
        # PostgreSQL finishes the statement, and only then notices that nobody waits for it.
        eventually(lambda: not other_backends(), "the server's backend is gone")
        assert_is_whole(DetectionSession.objects.get(), owner, movespec)
        answer = retry(base_url, owner, movespec, "k")
    assert answer.is_replay
    assert_answers_for(answer, DetectionSession.objects.get())


def test_a_kill_with_its_backend_during_the_statement_leaves_none(
    owner: Machine, movespec: MoveSpec, tmp_path: Path, blocked: Any
) -> None:
    with api_server(tmp_path, environment=RESPAWN) as base_url:
        with locked("detection_session"):
            before = other_backends()
            connection, pid = blocked(base_url)
            os.kill(pid, signal.SIGKILL)
            terminate(other_backends() - before)
            assert answer_if_any(connection) is None
        assert DetectionSession.objects.count() == 0
        answer = retry(base_url, owner, movespec, "k")
    assert not answer.is_replay
    assert_answers_for(answer, DetectionSession.objects.get())


def test_a_kill_between_commit_and_answer_leaves_a_whole_session_that_the_retry_finds(
    owner: Machine, movespec: MoveSpec, tmp_path: Path, blocked: Any
) -> None:
    with api_server(tmp_path, environment=RESPAWN) as base_url:
        with locked("detection_session"):
            connection, pid = blocked(base_url)
            os.kill(pid, signal.SIGSTOP)
            eventually(lambda: stands_still(pid), "every thread of the worker has stopped")
        # The worker stands still: the session is committed, and nothing of it is answered.
        eventually(lambda: DetectionSession.objects.count() == 1, "the session is committed")
        os.kill(pid, signal.SIGKILL)
        assert answer_if_any(connection) is None
        assert_is_whole(DetectionSession.objects.get(), owner, movespec)
        answer = retry(base_url, owner, movespec, "k")
    assert answer.is_replay
    assert_answers_for(answer, DetectionSession.objects.get())
