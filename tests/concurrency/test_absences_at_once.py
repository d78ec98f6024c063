"""An absence that several processes find at once is made up for once."""

import math
import uuid
from datetime import timedelta
from functools import partial

import pytest
from django.utils import timezone
from racing import race

from movespecs.models import MoveSpec
from sessions_app import downtime
from sessions_app.attachments import session_attach
from sessions_app.downtime import make_up_for_downtime
from sessions_app.models import DetectionSession
from sessions_app.session_sweep import beat, expire_sessions
from tests.conftest import Machine

AWAY = timedelta(minutes=10)


@pytest.mark.django_db(transaction=True)
def test_attaches_and_heartbeats_at_once_wait_for_none_of_each_other(
    owner: Machine, movespec: MoveSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(downtime, "_present_until", -math.inf)
    monkeypatch.setattr(downtime, "_is_present", lambda until: None)
    ids = [uuid.UUID(owner.create_session(movespec).json()["session_id"]) for _ in range(12)]
    now = timezone.now()
    beat(now=now)
    later = now + AWAY

    def attach(session_id: uuid.UUID) -> None:
        session_attach(
            session_id=session_id,
            attachment_id=uuid.uuid4(),
            runtime="host:1",
            arrived_at=later,
            now=later,
        )

    race([*(partial(attach, one) for one in ids), *(partial(beat, now=later) for _ in range(4))])
    statuses = DetectionSession.objects.values_list("status", flat=True)
    assert list(statuses) == ["streaming"] * len(ids)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("first", ["look", "sweep"])
def test_of_many_who_find_it_one_extends(
    owner: Machine, movespec: MoveSpec, monkeypatch: pytest.MonkeyPatch, first: str
) -> None:
    monkeypatch.setattr(downtime, "_present_until", -math.inf)
    monkeypatch.setattr(downtime, "_is_present", lambda until: None)
    owner.create_session(movespec)
    [before] = DetectionSession.objects.values_list("deadline_at", flat=True)
    now = timezone.now()
    beat(now=now)
    later = now + AWAY
    act = {"look": make_up_for_downtime, "sweep": lambda now: expire_sessions(now=now)}[first]
    race([lambda: act(later)] * 8)
    session = DetectionSession.objects.get()
    assert (session.status, session.deadline_at) == ("created", before + AWAY)
