"""How long the page's sessions are kept"""

import uuid
from datetime import timedelta

import psycopg
import pytest
from django.utils import timezone

from sessions_app.models import DetectionEvent, DetectionSession, Outcome, SessionAttach, Status
from tests.api.api_requests import nothing_changes
from tests.server import test_database_url as database_url
from tests.tryout.trying import try_it
from tryout.tasks import KEPT, tries_delete

pytestmark = pytest.mark.usefixtures("signing_key", "catalogue")
NOW = timezone.now()
TICK = timedelta(microseconds=1)


def tried(ended_ago=None):
    """A session of the page, which has ended so long before NOW; None: it lives."""
    session = DetectionSession.objects.get(id=try_it().json()["session"]["session_id"])
    if ended_ago is not None:
        end(session, ended_ago)
    return session


def end(session, ended_ago):
    for sequence in (1, 2):
        DetectionEvent.objects.create(
            session=session, sequence=sequence, frame_seq=1, ts_ms=0, type="feedback", payload={}
        )
    SessionAttach.objects.create(
        id=uuid.uuid4(), session=session, runtime="host:1", attached_at=NOW
    )
    ended_at = NOW - ended_ago
    DetectionSession.objects.filter(id=session.id).update(
        status=Status.COMPLETED,
        terminal_outcome=Outcome.COMPLETED,
        created_at=ended_at - timedelta(minutes=5),
        ended_at=ended_at,
        deadline_at=None,
    )


def kept():
    return set(DetectionSession.objects.values_list("id", flat=True))


def test_a_session_is_gone_a_day_after_its_end_with_its_events():
    old, recent, live = tried(KEPT + TICK), tried(KEPT), tried()
    # It began long ago, and has not ended.
    DetectionSession.objects.filter(id=live.id).update(created_at=NOW - 2 * KEPT)
    assert tries_delete(now=NOW) == 1
    assert kept() == {recent.id, live.id}
    for rows in (DetectionEvent.objects, SessionAttach.objects):
        assert not rows.filter(session_id=old.id).exists()
        assert rows.filter(session_id=recent.id).exists()
    with nothing_changes():
        assert tries_delete(now=NOW) == 0


def test_sessions_of_customers_stay(owner, movespec):
    session = DetectionSession.objects.get(id=owner.create_session(movespec).json()["session_id"])
    end(session, 100 * KEPT)
    with nothing_changes():
        assert tries_delete(now=NOW) == 0


@pytest.mark.django_db(transaction=True)
def test_what_another_worker_is_at_is_left_to_it():
    locked, free = tried(2 * KEPT), tried(2 * KEPT)
    with psycopg.connect(database_url()) as other:
        other.execute("SELECT FROM detection_session WHERE id = %s FOR UPDATE", [locked.id])
        assert tries_delete(now=NOW) == 1
        assert kept() == {locked.id}
    assert tries_delete(now=NOW) == 1
    assert free.id not in kept()
