"""Machines whose clocks differ decide as one: by the database's."""

import json
import os
import re
import subprocess
import sys
import urllib.request
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from rows import create_many, session_of
from streaming import Client, batches, wire_frames

from dev.local_stack.environment import PROJECT
from dev.poses.figure import perform
from movespecs.models import MoveSpec
from sessions_app.models import DetectionSession, Status
from tests.conftest import SESSIONS, Machine
from tests.other_clock import clock_ahead
from tests.server import runtime_server, web_server
from tests.server import test_database_url as database_url

pytestmark = pytest.mark.django_db(transaction=True)

# More than a client may be silent.
AHEAD_SECONDS = 150
# A clock is measured by a statement, which may take long on a busy machine.
MEASURED_WITHIN = timedelta(seconds=10)
TOLD = r"this machine's clock is 1[456]\d\.\d s ahead of the database's, which counts"
FRAMES = wire_frames(perform("squat", repetitions=1, fps=10))


@pytest.fixture
def fast() -> dict[str, str]:
    return clock_ahead(AHEAD_SECONDS)


@pytest.fixture
def slow() -> dict[str, str]:
    return clock_ahead(-AHEAD_SECONDS)


def is_of_the_database(moment: datetime, since: datetime) -> bool:
    """Whether it is one of the moments from `since` to now."""
    return since - MEASURED_WITHIN < moment < timezone.now() + MEASURED_WITHIN


@pytest.mark.long
def test_a_sweep_by_a_fast_clock_ends_nothing_before_its_time(
    fast: dict[str, str], owner: Machine, squat: MoveSpec
) -> None:
    live, stale = create_many(owner, squat, "ws://127.0.0.1", 2)
    for created, seconds in ((live, 100), (stale, -1)):
        deadline_at = timezone.now() + timedelta(seconds=seconds)
        DetectionSession.objects.filter(id=created["session_id"]).update(deadline_at=deadline_at)
    command = [sys.executable, "manage.py", "expire_sessions", "--json"]
    done = subprocess.run(
        command,
        cwd=PROJECT,
        env={**os.environ, **fast, "DATABASE_URL": database_url()},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, '{"changed": 1}\n'), done.stderr
    assert re.search(TOLD, done.stderr)
    assert session_of(live).status == Status.CREATED
    assert session_of(stale).error_code == "session_expired"


@pytest.mark.long
def test_an_api_with_a_fast_clock_gives_the_databases_time(
    fast: dict[str, str], owner: Machine, squat: MoveSpec, tmp_path: Path
) -> None:
    body = {"mode": "live", "project_id": str(owner.project.id), "movespec_id": str(squat.id)}
    with web_server(tmp_path, environment=fast) as base_url:
        before = timezone.now()
        created = asked(f"{base_url}{SESSIONS}", owner.token, body)
        record = asked(f"{base_url}{SESSIONS}/{created['session_id']}", owner.token)
        metrics = urllib.request.urlopen(f"{base_url}/metrics").read().decode()  # noqa: S310
    session = session_of(created)
    assert is_of_the_database(session.created_at, since=before)
    assert record["status"] == "created"
    [skew] = [line for line in metrics.splitlines() if line.startswith("kyna_clock_skew_seconds ")]
    assert float(skew.split()[1]) == pytest.approx(AHEAD_SECONDS, abs=MEASURED_WITHIN.seconds)
    told = (tmp_path / "web.log").read_text()
    assert len(re.findall(TOLD, told)) == 1


def asked(url: str, token: str, body: Any = None) -> Any:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(url, data, headers)) as answer:  # noqa: S310
        return json.load(answer)


def test_a_session_moves_from_a_fast_runtime_to_a_slow_one(
    fast: dict[str, str], slow: dict[str, str], owner: Machine, squat: MoveSpec, tmp_path: Path
) -> None:
    """The later of two open attaches has it, whatever their clocks say."""
    with (
        runtime_server(tmp_path, environment=fast) as early,
        runtime_server(tmp_path, environment=slow) as late,
    ):
        [created] = create_many(owner, squat, early.url, 1)
        before = timezone.now()
        half = len(FRAMES) // 2
        first = Client(created)
        first.expect("session_update")
        for batch in batches(FRAMES[:half], 5):
            first.send_batch(1, batch)
            first.until("frame_ack")
        begun = session_of(created)
        assert begun.started_at is not None
        assert is_of_the_database(begun.started_at, since=before)
        second = Client(
            created | {"stream_url": f"{late.url}/{created['session_id']}"},
        )
        assert second.expect("session_update")["accepted_frames_total"] == half
        assert first.to_the_end() == 4409
        for batch in batches(FRAMES[half:], 5):
            second.send_batch(2, batch)
            second.until("frame_ack")
        second.send({"type": "finalize"})
        done = second.until("session_done")
    assert (done["status"], done["accepted_frames_total"]) == ("completed", len(FRAMES))
    ended = session_of(created)
    assert ended.ended_at is not None
    assert is_of_the_database(ended.ended_at, since=before)
