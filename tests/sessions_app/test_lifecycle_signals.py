"""NOTIFY: for finalize, cancel, suspension and a newer attach, when they commit; for no more."""

from collections.abc import Iterator

import psycopg
import pytest
from django.db import connection, transaction
from lifecycle_scene import Scene, sweep

from sessions_app.lifecycle import SessionAlreadyEnded
from tests.server import test_database_url as database_url

pytestmark = pytest.mark.django_db(transaction=True)
END = "end of what was listened for"


class Listener:
    """A real connection that listens, as a runtime does."""

    def __init__(self, listening: psycopg.Connection) -> None:
        self.listening = listening

    def heard(self) -> list[str]:
        """The payloads since the last call. A marker tells the end: nothing is waited for."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_notify('kyna_session', %s)", [END])
        payloads: list[str] = []
        for notification in self.listening.notifies(timeout=30):
            if notification.payload == END:
                return payloads
            payloads.append(notification.payload)
        raise AssertionError("The marker never came.")


@pytest.fixture
def listener(transactional_db: None) -> Iterator[Listener]:
    with psycopg.connect(database_url(), autocommit=True) as listening:
        listening.execute("LISTEN kyna_session")
        yield Listener(listening)


@pytest.mark.parametrize("end", ["finalize", "cancel"])
@pytest.mark.parametrize("stage", ["created", "streaming"])
def test_it_signals_an_end_once(scene: Scene, listener: Listener, stage: str, end: str) -> None:
    session_id = scene.created() if stage == "created" else scene.streaming()[0]
    getattr(scene, end)(session_id, 1)
    assert listener.heard() == [str(session_id)]
    getattr(scene, end)(session_id, 2)
    assert listener.heard() == []
    finalizing, _ = scene.finalizing()
    scene.cancel(finalizing, 1)
    assert listener.heard() == [str(finalizing)] * 2


def test_it_signals_nothing_for_a_refusal(scene: Scene, listener: Listener) -> None:
    session_id, attachment_id = scene.streaming()
    scene.fail(session_id, attachment_id, 1)
    for end in (scene.finalize, scene.cancel):
        with pytest.raises(SessionAlreadyEnded):
            end(session_id, 2)
    assert listener.heard() == []


@pytest.mark.parametrize("what", ["project", "organization"])
def test_it_signals_a_suspension_with_the_sweep(
    scene: Scene, listener: Listener, what: str
) -> None:
    live = {str(scene.created()), str(scene.streaming()[0]), str(scene.streaming()[0])}
    ended = scene.created()
    scene.cancel(ended, 1)
    assert listener.heard() == [str(ended)]
    scene.suspend(what, 2)
    assert sweep(3, slice_size=2) == 3
    heard = listener.heard()
    assert (len(heard), set(heard)) == (3, live)
    assert sweep(4) == 0
    assert listener.heard() == []


def test_it_signals_an_attach_that_takes_the_session_from_another(
    scene: Scene, listener: Listener
) -> None:
    session_id, older = scene.streaming()
    assert listener.heard() == []
    scene.attach(session_id, 1)
    assert listener.heard() == [str(session_id)]
    with transaction.atomic():
        scene.attach(session_id, 2)
        transaction.set_rollback(True)
    scene.detach(session_id, older, 3)
    assert listener.heard() == []


def test_it_signals_nothing_that_did_not_commit(scene: Scene, listener: Listener) -> None:
    session_id, _ = scene.streaming()
    scene.suspend("project", 2)
    for end in (scene.finalize, scene.cancel, lambda _, seconds: sweep(seconds + 2)):
        with transaction.atomic():
            end(session_id, 1)
            transaction.set_rollback(True)
        assert scene.row(session_id).status == "streaming"
    assert listener.heard() == []


def test_it_signals_nothing_for_what_runtimes_and_deadlines_do(
    scene: Scene, listener: Listener
) -> None:
    session_id, older = scene.streaming()
    scene.detach(session_id, older, 1)
    newer = scene.attach(session_id, 1)
    scene.checkpoint(session_id, newer, 1, 2)
    assert scene.renew(session_id, newer, 3)
    assert not scene.renew(session_id, older, 3)
    scene.fail(session_id, newer, 4)
    scene.detach(session_id, newer, 4)
    scene.created()
    scene.streaming()
    assert sweep(10_000) == 2
    assert listener.heard() == []
