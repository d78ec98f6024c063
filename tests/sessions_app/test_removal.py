"""Sessions that have ended are removed, with all that hangs on them."""

import uuid

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from engine_work import whole
from lifecycle_scene import Scene

from sessions_app.lifecycle import sessions_remove
from sessions_app.models import DetectionEvent, DetectionSession, SessionAttach
from tests.concurrency.racing import race


def counted(scene: Scene, key: str | None = None) -> uuid.UUID:
    """A session with events and an attach, which is completed."""
    session_id = scene.created(key=key)
    attachment_id = scene.attach(session_id, 0)
    scene.checkpoint(session_id, attachment_id, 1, 1, work=whole())
    scene.finalize(session_id, 2)
    scene.finish(session_id, attachment_id, 3)
    return session_id


def rows() -> tuple[int, int, int]:
    return tuple(
        model.objects.count() for model in (DetectionSession, DetectionEvent, SessionAttach)
    )


@pytest.mark.django_db
def test_it_removes_what_has_ended_and_leaves_what_lives(scene):
    ended = [counted(scene, "order-7"), counted(scene)]
    live, _ = scene.streaming()
    kept = counted(scene)
    of_one = DetectionEvent.objects.filter(session_id=kept).count()
    staff = User.objects.create(username="ada")
    for id_ in (ended[0], kept):
        LogEntry.objects.create(
            user=staff, object_id=str(id_), object_repr="a session", action_flag=CHANGE
        )
    with CaptureQueriesContext(connection) as queries:
        assert {*sessions_remove([*ended, live, uuid.uuid4()])} == {*ended}
    # Besides the savepoint: the lock, and the removal.
    assert len([one for one in queries if "SAVEPOINT" not in one["sql"]]) == 2
    assert {*DetectionSession.objects.values_list("id", flat=True)} == {live, kept}
    assert rows() == (2, of_one, 2)
    assert [entry.object_id for entry in LogEntry.objects.all()] == [str(kept)]
    assert sessions_remove(ended) == []
    assert sessions_remove([]) == []
    assert scene.created(key="order-7") != ended[0]


@pytest.mark.django_db(transaction=True)
def test_two_at_once_remove_each_session_once(scene):
    ids = [counted(scene) for _ in range(4)]
    removed = race([lambda: sessions_remove(ids), lambda: sessions_remove(ids[::-1])])
    assert sorted(id_ for one in removed for id_ in one) == sorted(ids)
    assert rows() == (0, 0, 0)
