"""A runtime writes that it lives, and takes back sessions whose state it can read."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone
from streaming import create

from movespecs.models import MoveSpec
from sessions_app.models import DetectionSession, PlatformHeartbeat, Status
from tests.conftest import Machine
from tests.server import RuntimeServer, runtime_server
from tests.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def runtime(transactional_db: None, tmp_path: Path) -> Iterator[RuntimeServer]:
    hurry = {"HURRY": '{"BEAT_SECONDS": 0.2}'}
    with runtime_server(tmp_path, hurry, module="tests.realtime.hurried") as server:
        yield server


def test_it_writes_that_it_lives(runtime: RuntimeServer) -> None:
    eventually(PlatformHeartbeat.objects.exists, "the first heartbeat")
    first = PlatformHeartbeat.objects.get().alive_at
    eventually(lambda: PlatformHeartbeat.objects.get().alive_at > first, "the next one")


def test_it_makes_up_for_an_absence_as_it_starts(
    owner: Machine, squat: MoveSpec, tmp_path: Path
) -> None:
    owner.create_session(squat)
    away = timedelta(minutes=3)
    long_ago = timezone.now() - away
    DetectionSession.objects.update(created_at=long_ago - away)
    PlatformHeartbeat.objects.create(alive_at=long_ago)
    before = DetectionSession.objects.get().deadline_at
    assert before is not None

    def extended() -> bool:
        deadline_at = DetectionSession.objects.get().deadline_at
        return deadline_at is not None and deadline_at >= before + away

    with runtime_server(tmp_path):
        eventually(extended, "its attach window is longer")


def test_it_takes_back_what_it_can_read(
    owner: Machine, squat: MoveSpec, runtime: RuntimeServer
) -> None:
    one = DetectionSession.objects.filter(id=create(owner, squat, runtime.url)["session_id"])
    now = timezone.now()
    soon = now + timedelta(seconds=60)
    one.update(
        status=Status.STREAMING,
        started_at=now,
        longest_until=now + timedelta(hours=1),
        unreadable_since=now,
        deadline_at=soon,
    )
    eventually(lambda: one.get().unreadable_since is None, "it is taken back")
    deadline_at = one.get().deadline_at
    assert deadline_at is not None
    assert deadline_at > soon
