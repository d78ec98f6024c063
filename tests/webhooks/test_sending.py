"""The sender: what it sends, what it writes of the answer, and whom it holds up."""

import json
import threading
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import OperationalError, connection
from standardwebhooks import Webhook, WebhookVerificationError

from kynaplatform import clock
from projects.signing import decrypted
from tests.waiting import eventually
from tests.webhooks.endpoint import make_delivery, make_endpoint
from tests.webhooks.receiver import Received, Reply, receiving, sending
from webhooks import sender as sender_module
from webhooks.claims import MAX_ALONE, MAX_PER_ENDPOINT
from webhooks.endpoints import endpoint_create, endpoint_rotate_secret
from webhooks.messages import bodies
from webhooks.models import WebhookDelivery, WebhookEndpoint
from webhooks.sender import FAILURES_BEFORE_PAUSE, PAUSE_SECONDS, Pace

pytestmark = pytest.mark.django_db(transaction=True)


def secret_of(endpoint: WebhookEndpoint) -> str:
    return decrypted(bytes(endpoint.encrypted_secret)).decode()


def settled(*deliveries: WebhookDelivery) -> bool:
    ids = [one.id for one in deliveries]
    rows = WebhookDelivery.objects.filter(id__in=ids, tried_at__isnull=False)
    return rows.count() == len(ids)


def send(*deliveries: WebhookDelivery) -> list[WebhookDelivery]:
    """Each, as it is once it was tried."""
    with sending():
        eventually(lambda: settled(*deliveries), "each was tried")
    return [WebhookDelivery.objects.get(id=one.id) for one in deliveries]


def test_it_sends_what_the_published_library_verifies(owner, receiver):
    endpoint = make_endpoint(owner.project, url=receiver.url)
    [delivery] = send(make_delivery(endpoint))
    [received] = receiver.received
    body = Webhook(secret_of(endpoint)).verify(received.body, received.headers)
    assert body == json.loads(delivery.body) == json.loads(received.body)
    assert body["type"] == "movespec.released"
    assert (body["data"], body["sequence"]) == ({"name": "Squat"}, None)
    assert received.headers["webhook-id"] == str(delivery.id)
    assert received.headers["content-type"] == "application/json"
    assert received.headers["host"] == f"127.0.0.1:{receiver.server_port}"
    assert "kyna-request-id" not in received.headers
    assert "cookie" not in received.headers
    assert "authorization" not in received.headers
    assert (delivery.status, delivery.tries, delivery.claim_id) == ("delivered", 1, None)
    assert (delivery.response_status, delivery.response_body) == (200, "thanks")
    assert delivery.failure is None
    other = Webhook(secret_of(make_endpoint(owner.project)))
    with pytest.raises(WebhookVerificationError):
        other.verify(received.body, received.headers)


def test_both_secrets_sign_for_a_day_after_a_rotation(owner, receiver):
    endpoint, first = endpoint_create(
        project_id=owner.project.id, url=receiver.url, now=clock.now()
    )
    _, second = endpoint_rotate_secret(endpoint_id=endpoint.id, now=clock.now())
    send(make_delivery(endpoint))
    [received] = receiver.received
    for secret in (first, second):
        Webhook(secret).verify(received.body, received.headers)
    assert len(received.headers["webhook-signature"].split(" ")) == 2
    WebhookEndpoint.objects.update(previous_secret_until=clock.now() - timedelta(seconds=1))
    send(make_delivery(endpoint))
    _, received = receiver.received
    Webhook(second).verify(received.body, received.headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(first).verify(received.body, received.headers)


@pytest.mark.parametrize(
    ("reply", "failure"),
    [
        (Reply(500, b"broken"), "Answered 500."),
        (Reply(307, headers={"Location": "/else"}), "Answered 307: redirects are not followed."),
    ],
)
def test_another_answer_than_2xx_is_tried_again(owner, receiver, reply, failure):
    receiver.answer = lambda received: reply
    [delivery] = send(make_delivery(make_endpoint(owner.project, url=receiver.url)))
    assert (delivery.status, delivery.failure) == ("waiting", failure)
    assert delivery.response_body == reply.body.decode()
    assert timedelta(seconds=4) < delivery.due_at - delivery.tried_at < timedelta(seconds=7)
    assert [one.path for one in receiver.received] == ["/hook"]


def test_the_webhook_id_and_the_body_stay_the_same_over_tries(owner, receiver):
    receiver.answer = lambda received: Reply(500 if len(receiver.received) < 3 else 200)
    delivery = make_delivery(make_endpoint(owner.project, url=receiver.url))
    with sending():
        for tries in (1, 2):
            eventually(
                lambda n=tries: WebhookDelivery.objects.filter(tries=n, claim_id=None).exists(),
                "a try failed",
            )
            WebhookDelivery.objects.update(due_at=clock.now())
        eventually(lambda: WebhookDelivery.objects.get().status == "delivered", "delivered")
    assert receiver.ids == [str(delivery.id)] * 3
    assert len({one.body for one in receiver.received}) == 1


def test_410_disables(owner, receiver):
    receiver.answer = lambda received: Reply(410)
    endpoint = make_endpoint(owner.project, url=receiver.url)
    [delivery] = send(make_delivery(endpoint))
    assert (delivery.status, delivery.failure) == ("failed", "Answered 410.")
    endpoint.refresh_from_db()
    assert endpoint.disabled_reason == "gone"


def test_a_message_that_can_not_be_made_fails_alone(owner, receiver):
    endpoint = make_endpoint(owner.project, url=receiver.url)
    lost = make_delivery(endpoint, type="session.completed", session_id=endpoint.id, sequence=2)
    failed, well = send(lost, make_delivery(endpoint))
    assert failed.failure == "The message could not be made: the worker's log says why."
    assert (failed.status, well.status) == ("waiting", "delivered")


def test_slow_endpoints_of_one_organization_leave_places_for_others(owner, outsider, receiver):
    """Each of sixteen has more waiting than it may have under way, and none of them answers."""
    is_over = threading.Event()

    def hang(received: Received) -> Reply:
        is_over.wait(30)
        return Reply()

    with receiving() as hanging:
        hanging.answer = hang
        for _ in range(16):
            endpoint = make_endpoint(owner.project, url=hanging.url)
            for _ in range(MAX_PER_ENDPOINT + 2):
                make_delivery(endpoint)
        others = make_endpoint(outsider.project, url=receiver.url)
        with sending():
            eventually(lambda: len(hanging.received) == MAX_ALONE, "one alone has every place")
            waiting = [make_delivery(others) for _ in range(40)]
            eventually(lambda: settled(*waiting), "those of others are delivered")
            assert not is_over.is_set()
            tried = WebhookDelivery.objects.filter(tried_at__isnull=False)
            assert {one.endpoint_id for one in tried} == {others.id}, "a place became free"
            WebhookDelivery.objects.filter(claim_id=None, status="waiting").update(
                due_at=clock.now() + timedelta(hours=1)
            )
            is_over.set()
    assert sorted(receiver.ids) == sorted(str(one.id) for one in waiting)
    assert len(hanging.received) == MAX_ALONE


@pytest.mark.parametrize(("seconds", "places"), [(0.1, 16), (2.0, 16), (4.0, 8), (9.5, 3)])
def test_an_endpoint_that_answers_slowly_has_fewer_places(seconds, places):
    pace = Pace(uuid4(), under_way=1)
    pace.ended(is_failure=False, at=1.0, seconds=seconds)
    assert (pace.free(1.0), pace.is_narrowed) == (places, places < 16)
    # What it has under way goes off them, and quick answers give them back.
    pace.under_way = 3
    assert pace.free(1.0) == places - 3
    for _ in range(3):
        pace.ended(is_failure=False, at=1.0, seconds=0.1)
    assert (pace.free(1.0), pace.is_narrowed) == (16, False)


def test_a_failing_endpoint_gets_one_try_a_second():
    pace = Pace(uuid4(), under_way=FAILURES_BEFORE_PAUSE)
    places = []
    for _ in range(FAILURES_BEFORE_PAUSE):
        places.append(pace.free(1.0) + pace.under_way)
        pace.ended(is_failure=True, at=1.0, seconds=0.1)
    assert places == [16, 8, 6, 5, 4, 3, 2, 1]
    assert (pace.free(1.0), pace.free(1.0 + PAUSE_SECONDS)) == (0, 1)


def test_an_address_that_refuses_is_told_as_late_as_one_that_nobody_answers_at(
    owner, settings, monkeypatch
):
    deliveries = [make_delivery(make_endpoint(owner.project)) for _ in range(2)]
    settings.PRODUCTION = True
    monkeypatch.setattr(sender_module, "TIMEOUT_SECONDS", 0.5)
    for delivery in send(*deliveries):
        assert (delivery.status, delivery.response_status) == ("waiting", None)
        assert delivery.failure == "No connection to the receiver."
        assert delivery.duration_ms < 500
        assert clock.now() - delivery.tried_at >= timedelta(seconds=0.5)


def test_a_stop_writes_what_is_under_way(owner, receiver):
    is_over = threading.Event()

    def slow(received: Received) -> Reply:
        is_over.wait(30)
        return Reply()

    receiver.answer = slow
    endpoint = make_endpoint(owner.project, url=receiver.url)
    delivery = make_delivery(endpoint)
    with sending() as sender:
        eventually(lambda: len(receiver.received) == 1, "it is under way")
        sender.stop()
        late = make_delivery(endpoint)
        is_over.set()
    delivery.refresh_from_db()
    late.refresh_from_db()
    assert (delivery.status, late.status, late.tries) == ("delivered", "waiting", 0)


def test_claims_whose_bodies_can_not_be_read_take_no_place(owner, receiver, monkeypatch):
    """Of as many as may be under way to an endpoint, the database goes away after the claim."""
    endpoint = make_endpoint(owner.project, url=receiver.url)
    deliveries = [make_delivery(endpoint) for _ in range(MAX_PER_ENDPOINT)]
    failed = []

    def go_away_once(claims):
        if failed:
            return bodies(claims)
        failed.extend(claims)
        raise OperationalError("the connection is lost")

    monkeypatch.setattr("webhooks.sender.bodies", go_away_once)
    with sending():
        eventually(lambda: failed, "they are claimed")
        # As once the claims have ended.
        WebhookDelivery.objects.update(claim_id=None, due_at=clock.now())
        eventually(lambda: settled(*deliveries), "each was tried")
    assert len(failed) == MAX_PER_ENDPOINT
    assert sorted(receiver.ids) == sorted(str(one.id) for one in deliveries)


def end_others() -> None:
    """End every other connection to the test's database, as a restart of it would."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def test_it_outlives_a_database_that_goes_away(owner, receiver):
    endpoint = make_endpoint(owner.project, url=receiver.url)
    with sending():
        first = make_delivery(endpoint)
        eventually(lambda: settled(first), "the first is delivered")
        end_others()
        second = make_delivery(endpoint)
        eventually(lambda: settled(second), "the second is delivered")
    assert {*receiver.ids} == {str(first.id), str(second.id)}
