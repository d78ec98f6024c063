"""A sender that can't write what became of its tries: it says so, and ends."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from django.db import OperationalError, connection

from kynaplatform import clock
from kynaplatform.worker_monitors import health_checks
from tests.server import test_database_url as database_url
from tests.waiting import eventually
from tests.webhooks.endpoint import make_delivery, make_endpoint
from tests.webhooks.receiver import Reply, sending
from webhooks import sender as sender_module
from webhooks.claims import MAX_PER_ENDPOINT
from webhooks.models import WebhookDelivery
from webhooks.sender import WorkerSender

pytestmark = pytest.mark.django_db(transaction=True)


@contextmanager
def refusing_outcomes() -> Iterator[None]:
    """A database that refuses every outcome, whatever is in it."""
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION refuse_outcome() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN RAISE 'refused'; END $$"
        )
        cursor.execute(
            "CREATE TRIGGER refuse BEFORE UPDATE ON webhook_delivery FOR EACH ROW"
            " WHEN (NEW.tried_at IS NOT NULL) EXECUTE FUNCTION refuse_outcome()"
        )
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP FUNCTION refuse_outcome CASCADE")


@pytest.fixture
def worker_sender(monkeypatch) -> Iterator[WorkerSender]:
    monkeypatch.setattr(sender_module, "AWAY_SECONDS", 0.01)
    monkeypatch.setattr(sender_module, "STOP_SECONDS", 0.5)
    step = WorkerSender(None)
    step.start(None)
    # It is this process's check, which other tests ask too.
    monkeypatch.setitem(health_checks, "sender", health_checks.pop("sender"))
    yield step
    step.stop(None)
    assert not step._thread.is_alive()


def test_a_worker_whose_sender_writes_no_outcome_is_unhealthy_until_it_stops(
    owner, receiver, worker_sender, caplog
):
    make_delivery(make_endpoint(owner.project, url=receiver.url))
    with refusing_outcomes():
        eventually(lambda: not health_checks["sender"](), "it is unhealthy")
        worker_sender.stop(None)
    assert "the outcomes of 1 tries were not written" in caplog.text
    # Its claim ends, and another sender tries again.
    delivery = WebhookDelivery.objects.get()
    assert (delivery.status, delivery.tries, delivery.tried_at) == ("waiting", 1, None)
    assert delivery.claim_id is not None


def test_a_worker_ends_itself_once_its_turns_have_failed_for_30_s(
    owner, receiver, monkeypatch, request
):
    signals = []
    monkeypatch.setattr(sender_module.os, "kill", lambda *signal: signals.append(signal))
    monkeypatch.setattr(sender_module, "MAX_FAILING_SECONDS", 0.1)
    request.getfixturevalue("worker_sender")
    make_delivery(make_endpoint(owner.project, url=receiver.url))
    with refusing_outcomes():
        eventually(lambda: signals == [(os.getpid(), signal.SIGTERM)], "it ends itself")
    assert len(receiver.received) == 1


def test_a_database_that_is_away_fails_no_turn(monkeypatch):
    monkeypatch.setattr(sender_module, "AWAY_SECONDS", 0.01)
    monkeypatch.setattr(sender_module, "MAX_FAILING_SECONDS", 0.1)
    turns = []

    def lost(**_: object) -> None:
        turns.append(sender.is_failing)
        raise OperationalError("the connection is lost")

    monkeypatch.setattr(sender_module, "deliveries_claim", lost)
    with sending() as sender:
        eventually(lambda: len(turns) > 30, "it goes on")
    assert set(turns) == {False}


@pytest.mark.parametrize("table", ["webhook_delivery", "webhook_endpoint"])
def test_a_row_that_is_locked_keeps_nothing_else_waiting(owner, outsider, receiver, table):
    """Its outcome is written once the lock is gone, and the message is sent once."""
    endpoint = make_endpoint(owner.project, url=receiver.url)
    one = make_delivery(endpoint)
    row = one.id if table == "webhook_delivery" else endpoint.id
    may_answer = threading.Event()

    def refuse_slowly(_: object) -> Reply:
        may_answer.wait(8)
        return Reply(500)

    receiver.answer = refuse_slowly
    with psycopg.connect(database_url()) as other, sending() as sender:
        eventually(lambda: receiver.ids == [str(one.id)], "it is on the wire")
        other.execute(f"SELECT FROM {table} WHERE id = %s FOR UPDATE", [row])
        receiver.answer = lambda _: Reply()
        may_answer.set()
        eventually(lambda: sender._outcomes, "its outcome waits")
        another = make_delivery(make_endpoint(outsider.project, url=receiver.url))
        found = WebhookDelivery.objects.filter(id=another.id)
        eventually(lambda: found.get().status == "delivered", "another is sent and written")
        assert not sender.is_failing
        one.refresh_from_db()
        assert (one.tries, one.tried_at) == (1, None)
        other.rollback()
        written = WebhookDelivery.objects.filter(id=one.id)
        eventually(lambda: written.get().failure == "Answered 500.", "its outcome is written")
    assert receiver.ids == [str(one.id), str(another.id)]


def test_few_outcomes_wait_for_an_endpoint_that_is_locked(owner, outsider, receiver):
    """Each keeps its place, and is written without another try."""
    endpoint = make_endpoint(owner.project, url=receiver.url, failing_since=clock.now())
    for _ in range(64):
        make_delivery(endpoint)
    with psycopg.connect(database_url()) as other:
        other.execute("SELECT FROM webhook_endpoint WHERE id = %s FOR NO KEY UPDATE", [endpoint.id])
        with sending() as sender:
            eventually(lambda: len(sender._outcomes) >= MAX_PER_ENDPOINT, "outcomes wait")
            sent = WebhookDelivery.objects.filter(
                endpoint__project=outsider.project, status="delivered"
            )
            for number in range(1, 4):
                make_delivery(make_endpoint(outsider.project, url=receiver.url))
                eventually(lambda number=number: sent.count() == number, "another is sent")
            # Also those that ended while others were written.
            assert len(sender._outcomes) <= 2 * MAX_PER_ENDPOINT
            other.rollback()
            left = WebhookDelivery.objects.exclude(status="delivered")
            eventually(lambda: not left.exists(), "all are sent and written")
    assert len(receiver.ids) == len(set(receiver.ids)) == 67


def test_a_turn_that_goes_on_for_too_long_has_failed(monkeypatch):
    """As where the database says nothing: no time-out of its own ends the statement."""
    monkeypatch.setattr(sender_module, "MAX_FAILING_SECONDS", 0.1)
    claim = sender_module.deliveries_claim
    goes_on, may_end = threading.Event(), threading.Event()

    def hang(**arguments: Any) -> Any:
        goes_on.set()
        may_end.wait(10)
        return claim(**arguments)

    monkeypatch.setattr(sender_module, "deliveries_claim", hang)
    with sending() as sender:
        assert goes_on.wait(10)
        eventually(lambda: sender.is_failing, "the turn takes too long")
        may_end.set()
        eventually(lambda: not sender.is_failing, "it has ended")
