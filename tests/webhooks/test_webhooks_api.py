"""/api/webhooks: create, change, delete, secrets, deliveries, replays."""

import json
import socket
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from kynaplatform import clock
from projects.signing import decrypted
from sessions_app.models import DetectionSession
from tests.api.api_requests import nothing_changes, refused
from tests.webhooks.endpoint import make_delivery, make_endpoint
from tests.webhooks.test_claims import claim, outcome
from webhooks import addresses
from webhooks.addresses import NO_CONNECTION
from webhooks.endpoints import MAX_PER_PROJECT, REPLAYED_PER_TURN, replays_go_on
from webhooks.models import WebhookDelivery, WebhookEndpoint
from webhooks.outcomes import outcomes_record

WEBHOOKS = "/api/webhooks"
URL = "http://127.0.0.1:9/hook"


def create(owner, **body):
    return owner.post(WEBHOOKS, {"url": URL, **body})


def path(endpoint, rest=""):
    return f"{WEBHOOKS}/{endpoint.id}{rest}"


def at(seconds):
    return clock.now() + timedelta(seconds=seconds)


# --- Create ------------------------------------------------------------------------------


def test_it_creates_a_webhook_and_shows_its_secret_once(owner):
    response = create(owner)
    assert response.status_code == 201
    body = response.json()
    endpoint = WebhookEndpoint.objects.get()
    assert decrypted(bytes(endpoint.encrypted_secret)) == body["secret"].encode()
    assert body["secret"].startswith("whsec_")
    assert body.pop("secret") not in owner.get(WEBHOOKS).content.decode()
    assert body == owner.get(path(endpoint)).json() == owner.get(WEBHOOKS).json()[0]
    assert body == {
        "webhook_id": str(endpoint.id),
        "project_id": str(owner.project.id),
        "url": URL,
        "event_types": None,
        "description": None,
        "enabled": True,
        "disabled_reason": None,
        "disabled_at": None,
        "failing_since": None,
        "previous_secret_until": None,
        "created_at": body["created_at"],
    }


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"url": None}, "url"),
        ({"url": "ftp://example.com/"}, "url"),
        ({"url": "https://example.com/" + "x" * 2030}, "url"),
        ({"event_types": []}, "event_types"),
        ({"event_types": ["session.forgotten"]}, "event_types.0"),
        ({"event_types": ["webhook.test"]}, "event_types.0"),
        ({"description": "x" * 2001}, "description"),
    ],
)
def test_it_refuses_what_does_not_fit(owner, body, field):
    with nothing_changes():
        response = create(owner, **body)
    assert (response.status_code, list(response.json()["error"]["details"])) == (422, [field])


@pytest.mark.parametrize("url", ["http://example.com/", "https://10.0.0.1/"])
def test_in_production_only_public_addresses_of_https_are_taken(owner, settings, url):
    settings.PRODUCTION = True
    with nothing_changes():
        assert create(owner, url=url).status_code == 422
    endpoint = make_endpoint(owner.project)
    with nothing_changes():
        assert owner.call("PATCH", path(endpoint), {"url": url}).status_code == 422


def test_no_request_looks_up_a_name(owner, settings, monkeypatch):
    """Its server may take half a minute, of a thread that others wait for."""
    settings.PRODUCTION = True
    asked = []
    numeric = socket.getaddrinfo

    def resolve(host, *more, **words):
        if not words.get("flags", 0) & socket.AI_NUMERICHOST:
            asked.append(host)
        return numeric(host, *more, **words)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setattr(addresses, "getaddrinfo", resolve)
    created = create(owner, url="https://hook.example/in")
    assert created.status_code == 201
    endpoint = WebhookEndpoint.objects.get()
    edit = {"url": "https://other.example/in"}
    assert owner.call("PATCH", path(endpoint), edit).status_code == 200
    assert owner.post(path(endpoint, "/test")).status_code == 201
    assert asked == []


def test_what_a_try_without_a_connection_took_is_for_staff(owner):
    """A port that refuses at once reads as one that is filtered."""
    endpoint, now = make_endpoint(owner.project), clock.now()
    for seconds in (0, 9):
        make_delivery(endpoint, due_at=now - timedelta(seconds=1))
        [claimed] = claim(now)
        tried_at = now - timedelta(seconds=seconds)
        for_staff = {"failure_detail": "The address 10.0.0.1 is not public.", "duration_ms": 1001}
        failed = outcome(claimed, failure=NO_CONNECTION, tried_at=tried_at, **for_staff)
        outcomes_record([failed], now=now)
        shown = owner.get(path(endpoint, "/deliveries")).json()
        assert {(one["failure"], one["duration_ms"]) for one in shown} == {(NO_CONNECTION, None)}
        assert "10.0.0.1" not in json.dumps(shown)
        stored = WebhookDelivery.objects.get(id=claimed.id)
        assert {name: getattr(stored, name) for name in for_staff} == for_staff
        waits = (stored.due_at - tried_at).total_seconds()
        assert 10 + 4.5 <= waits <= 10 + 5.5


def test_a_project_has_sixteen_at_most(owner, peer):
    endpoints = [make_endpoint(owner.project) for _ in range(MAX_PER_PROJECT)]
    with nothing_changes():
        refused(create(owner), 409, "conflict", limit=16)
    assert create(peer).status_code == 201
    assert owner.call("DELETE", path(endpoints[0])).status_code == 204
    assert create(owner).status_code == 201


# --- Change and delete -------------------------------------------------------------------


def test_it_changes_what_is_given_alone(owner):
    types = ["session.failed", "session.completed", "session.failed"]
    body = create(owner, event_types=types, description="ours").json()
    endpoint, types = WebhookEndpoint.objects.get(), types[:2]
    assert (body["description"], body["event_types"]) == ("ours", types)
    body = owner.call("PATCH", path(endpoint), {"description": "ours"}).json()
    assert (body["description"], body["event_types"]) == ("ours", types)
    body = owner.call("PATCH", path(endpoint), {"event_types": None}).json()
    assert (body["description"], body["event_types"], body["url"]) == ("ours", None, URL)


def test_it_disables_and_enables(owner):
    endpoint = make_endpoint(owner.project, failing_since=at(-9))
    body = owner.call("PATCH", path(endpoint), {"enabled": False}).json()
    assert (body["enabled"], body["disabled_reason"]) == (False, "client")
    assert body["disabled_at"] is not None
    body = owner.call("PATCH", path(endpoint), {"enabled": True}).json()
    assert (body["enabled"], body["disabled_reason"], body["disabled_at"]) == (True, None, None)
    assert body["failing_since"] is None


def test_what_staff_have_disabled_its_customer_does_not_enable(owner):
    endpoint = make_endpoint(owner.project, disabled_at=at(-9), disabled_reason="staff")
    with nothing_changes():
        answer = owner.call("PATCH", path(endpoint), {"enabled": True, "description": "ours"})
    refused(answer, 409, "conflict")
    assert answer.json()["error"]["message"] == (
        "Staff disabled the webhook: only they can enable it again."
    )
    body = owner.call("PATCH", path(endpoint), {"enabled": False, "description": "off"}).json()
    assert (body["disabled_reason"], body["description"]) == ("staff", "off")
    endpoint.refresh_from_db()
    assert endpoint.disabled_at < at(-8)


def test_an_enabling_at_once_with_staff_s_disabling_waits_for_it(owner):
    """Read before and written after, it would undo what staff did."""
    endpoint = make_endpoint(owner.project, disabled_at=at(-9), disabled_reason="gone")
    with CaptureQueriesContext(connection) as captured:
        owner.call("PATCH", path(endpoint), {"enabled": True})
    [_, read] = [one["sql"] for one in captured if 'FROM "webhook_endpoint"' in one["sql"]]
    assert read.endswith("FOR NO KEY UPDATE")


def test_a_deleted_one_is_gone_with_its_secrets(owner):
    endpoint = make_endpoint(owner.project)
    make_delivery(endpoint)
    response = owner.call("DELETE", path(endpoint))
    assert (response.status_code, response.content) == (204, b"")
    assert "Content-Type" not in response.headers
    for method, rest in (("GET", ""), ("DELETE", ""), ("GET", "/deliveries"), ("POST", "/test")):
        refused(owner.call(method, path(endpoint, rest)), 404, "not_found", resource="webhook")
    assert owner.get(WEBHOOKS).json() == []
    endpoint.refresh_from_db()
    assert bytes(endpoint.encrypted_secret) == b""


def test_a_rotation_shows_another_secret(owner):
    first = create(owner).json()
    endpoint = WebhookEndpoint.objects.get()
    second = owner.post(path(endpoint, "/rotate-secret"))
    assert second.status_code == 200
    assert second.json()["secret"] != first["secret"]
    endpoint.refresh_from_db()
    kept = (endpoint.encrypted_previous_secret, endpoint.encrypted_secret)
    assert [decrypted(bytes(one)) for one in kept] == [
        first["secret"].encode(), second.json()["secret"].encode(),
    ]  # fmt: skip
    assert timedelta(hours=23) < endpoint.previous_secret_until - clock.now() < timedelta(hours=25)


# --- Deliveries --------------------------------------------------------------------------


def test_deliveries_are_listed_newest_first_by_status_and_page(owner):
    endpoint = make_endpoint(owner.project)
    make_delivery(make_endpoint(owner.project))
    rows = [
        make_delivery(endpoint, status=status, created_at=at(-number), body="{}")
        for number, status in enumerate(["waiting", "failed", "delivered", "failed", "held"])
    ]
    expected = [str(row.id) for row in rows]

    def listed(query=""):
        return [
            row["delivery_id"] for row in owner.get(path(endpoint, f"/deliveries{query}")).json()
        ]

    assert listed() == expected
    assert listed("?status=failed") == [expected[1], expected[3]]
    first = owner.get(path(endpoint, "/deliveries?limit=2"))
    assert [row["delivery_id"] for row in first.json()] == expected[:2]
    following = first.headers["Link"].split(";")[0].strip("<>").removeprefix("http://testserver")
    assert [row["delivery_id"] for row in owner.get(following).json()] == expected[2:4]
    assert owner.get(path(endpoint, "/deliveries?status=lost")).status_code == 422


@pytest.mark.parametrize("status", ["delivered", "held"])
def test_a_redelivery_is_due_now_with_its_tries_anew(owner, status):
    endpoint = make_endpoint(owner.project)
    delivery = make_delivery(endpoint, status=status, tries=10, due_at=at(3600))
    response = owner.post(path(endpoint, f"/deliveries/{delivery.id}/redeliver"))
    assert response.status_code == 200
    body = response.json()
    assert (body["delivery_id"], body["status"], body["tries"]) == (str(delivery.id), "waiting", 0)
    delivery.refresh_from_db()
    assert delivery.due_at <= at(1)


def test_one_that_is_being_sent_is_left_to_that(owner):
    endpoint = make_endpoint(owner.project)
    delivery = make_delivery(endpoint, claim_id=endpoint.id, tries=1, due_at=at(30))
    with nothing_changes():
        response = owner.post(path(endpoint, f"/deliveries/{delivery.id}/redeliver"))
    assert (response.status_code, response.json()["tries"]) == (200, 1)


def test_a_delivery_of_another_webhook_is_not_found(owner):
    endpoint, other = make_endpoint(owner.project), make_endpoint(owner.project)
    delivery = make_delivery(other, status="failed")
    with nothing_changes():
        response = owner.post(path(endpoint, f"/deliveries/{delivery.id}/redeliver"))
    refused(response, 404, "not_found", resource="webhook_delivery")


@pytest.mark.parametrize("reason", ["gone", "staff"])
def test_a_disabled_webhook_is_sent_nothing(owner, reason):
    endpoint = make_endpoint(owner.project, disabled_at=at(0), disabled_reason=reason)
    delivery = make_delivery(endpoint, status="failed")
    for rest, body in (
        ("/test", None),
        ("/replay", {"since": "2026-01-01T00:00:00Z"}),
        (f"/deliveries/{delivery.id}/redeliver", None),
    ):
        with nothing_changes():
            refused(owner.post(path(endpoint, rest), body), 409, "conflict")


def test_a_replay_queues_what_was_not_delivered_since_at_a_bounded_pace(owner):
    endpoint = make_endpoint(owner.project, created_at=at(-3600))
    other = make_endpoint(owner.project)
    since = at(-100)
    for number in range(REPLAYED_PER_TURN + 5):
        make_delivery(
            endpoint,
            status=("failed", "held")[number % 2],
            created_at=at(-90 + number / 10),
            tries=10,
        )
    left = [
        make_delivery(endpoint, status="delivered", created_at=at(-50)),
        make_delivery(endpoint, status="failed", created_at=at(-110)),
        make_delivery(other, status="failed", created_at=at(-50)),
    ]
    response = owner.post(path(endpoint, "/replay"), {"since": since.isoformat()})
    assert (response.status_code, response.json()) == (202, {"deliveries": REPLAYED_PER_TURN + 5})
    late = make_delivery(endpoint, status="failed", created_at=at(1))
    queued = WebhookDelivery.objects.filter(endpoint=endpoint, status="waiting", tries=0)
    counts = []
    for _ in range(3):
        replays_go_on()
        counts.append(queued.count())
    assert counts == [REPLAYED_PER_TURN, REPLAYED_PER_TURN + 5, REPLAYED_PER_TURN + 5]
    endpoint.refresh_from_db()
    assert (endpoint.replay_since, endpoint.replay_until) == (None, None)
    for row in (*left, late):
        assert WebhookDelivery.objects.get(id=row.id).status == row.status


@pytest.mark.parametrize(
    ("since", "number"),
    [("0001-01-01T00:00:00+14:00", 1), ("9999-12-31T23:59:59-14:00", 0)],
)
def test_a_replay_since_any_moment_leaves_the_webhook_readable(owner, since, number):
    endpoint = make_endpoint(owner.project)
    failed = make_delivery(endpoint, status="failed")
    response = owner.post(path(endpoint, "/replay"), {"since": since})
    assert (response.status_code, response.json()) == (202, {"deliveries": number})
    for enabled in (False, True):
        assert str(endpoint.id) in owner.get(WEBHOOKS).content.decode()
        assert owner.call("PATCH", path(endpoint), {"enabled": enabled}).status_code == 200
        replays_go_on()
    failed.refresh_from_db()
    assert failed.status == ("waiting" if number else "failed")


@pytest.fixture
def of_deleted(owner, movespec):
    """An endpoint, and its messages: of a session that is deleted, and of others."""
    endpoint = make_endpoint(owner.project)
    gone, kept = (owner.create_session(movespec).json()["session_id"] for _ in range(2))
    told = {
        (session_id, type_): make_delivery(
            endpoint, type=type_, status=status, session_id=session_id, sequence=sequence, data=None
        )
        for session_id in (gone, kept)
        for sequence, type_, status in (
            (1, "session.started", "failed"),
            (2, "session.cancelled", "held"),
            (3, "session.deleted", "failed"),
        )
    }
    DetectionSession.objects.filter(id=gone).delete()
    lost = [told[gone, type_] for type_ in ("session.started", "session.cancelled")]
    return endpoint, lost, [one for one in told.values() if one not in lost]


def test_a_replay_leaves_out_what_was_told_of_a_deleted_session(owner, of_deleted):
    endpoint, _, others = of_deleted
    WebhookDelivery.objects.filter(status="waiting").delete()
    response = owner.post(path(endpoint, "/replay"), {"since": at(-600).isoformat()})
    assert response.json() == {"deliveries": len(others)}
    replays_go_on()
    queued = WebhookDelivery.objects.filter(status="waiting")
    assert {one.id for one in queued} == {one.id for one in others}


def test_what_was_told_of_a_deleted_session_is_not_sent_again(owner, of_deleted):
    endpoint, lost, others = of_deleted
    for one in lost:
        with nothing_changes():
            answer = owner.post(path(endpoint, f"/deliveries/{one.id}/redeliver"))
        refused(answer, 409, "conflict")
        assert "was deleted" in answer.json()["error"]["message"]
    for one in others:
        assert owner.post(path(endpoint, f"/deliveries/{one.id}/redeliver")).status_code == 200
