"""Staff read webhook endpoints, and disable, enable, test and replay them."""

import html
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client

from kynaplatform import clock
from tests.admin.staffing import address, do, do_many, last_history, member, text_of, words
from tests.api.api_requests import nothing_changes
from tests.conftest import Machine
from tests.long_runs import at_length
from tests.webhooks.endpoint import make_delivery, make_endpoint
from webhooks.models import DisabledReason, WebhookDelivery, WebhookEndpoint

LIST = address(WebhookEndpoint, "changelist")
ACTS = ("disable", "enable", "test", "replay")
TOKEN = "T0KEN-of-the-receiver"
LONG = "XyZ0123456789abcdefghij"
URL = f"https://hooks.example/kyna/{LONG}/in?token={TOKEN}&v=2"
SHOWN = "https://hooks.example/kyna/XyZ0…/in?…"


@pytest.fixture
def endpoint(owner: Machine) -> WebhookEndpoint:
    return make_endpoint(owner.project, "session.completed", url=URL)


def listed(client: Client, **asked: str) -> set[Any]:
    return {row.pk for row in client.get(LIST, asked).context["cl"].result_list}


def disabled(endpoint: WebhookEndpoint, reason: DisabledReason) -> None:
    WebhookEndpoint.objects.filter(id=endpoint.id).update(
        disabled_at=clock.now(), disabled_reason=reason
    )


def test_a_row_shows_whose_it_is_its_types_and_how_its_deliveries_go(
    support: Client, endpoint: WebhookEndpoint
) -> None:
    now = clock.now()
    make_delivery(endpoint, created_at=now - timedelta(hours=3))
    make_delivery(endpoint, created_at=now - timedelta(minutes=9))
    for hours in (5, 6):
        make_delivery(endpoint, status="delivered", created_at=now - timedelta(hours=hours),
                      tried_at=now - timedelta(hours=hours))  # fmt: skip
    make_delivery(endpoint, status="held", created_at=now - timedelta(days=2))

    page = text_of(support.get(LIST))

    for shown in (
        SHOWN,
        "Acme / owner",
        "session.completed",
        ">on<",
        "3 h ago",
        "5 h ago",
    ):
        assert shown in page
    assert "9 min ago" not in page


def test_it_lists_by_state(support: Client, owner: Machine, endpoint: WebhookEndpoint) -> None:
    failing = make_endpoint(owner.project, failing_since=clock.now())
    off = {reason: make_endpoint(owner.project) for reason in DisabledReason}
    for reason, one in off.items():
        disabled(one, reason)
    assert listed(support, state="on") == {endpoint.pk, failing.pk}
    assert listed(support, state="trying") == {failing.pk}
    for reason, one in off.items():
        assert listed(support, state=reason) == {one.pk}


def test_one_that_its_customer_deleted_is_on_no_page(
    support: Client, endpoint: WebhookEndpoint
) -> None:
    delivery = make_delivery(endpoint)
    WebhookEndpoint.objects.filter(id=endpoint.id).update(deleted_at=clock.now())
    assert listed(support) == set()
    assert support.get(address(endpoint)).status_code == 302
    assert support.get(address(delivery)).status_code == 302
    assert support.get(address(WebhookDelivery, "changelist")).context["cl"].result_list == []


def test_a_page_says_why_every_try_fails_and_since_when(
    support: Client, endpoint: WebhookEndpoint
) -> None:
    now, later = clock.now(), clock.now() + timedelta(hours=1)
    WebhookEndpoint.objects.filter(id=endpoint.id).update(failing_since=now - timedelta(hours=3))
    make_delivery(endpoint, tried_at=now, due_at=later, failure=f"Answered 500 to {TOKEN}.")
    for _ in range(12):
        make_delivery(endpoint)
    page = words(support.get(address(endpoint)))
    assert "Last failure: Answered 500 to …." in page
    assert "Waiting: 13" in page


def test_no_page_shows_a_secret_or_what_an_address_may_hold_of_one(
    superuser: Client, endpoint: WebhookEndpoint
) -> None:
    WebhookEndpoint.objects.filter(id=endpoint.id).update(
        encrypted_previous_secret=b"the-one-before", previous_secret_until=clock.now()
    )
    hidden = (TOKEN, LONG, "the-one-before", bytes(endpoint.encrypted_secret).decode())
    pages = [LIST, f"{LIST}csv/", address(endpoint), address(endpoint, "history")]
    pages += [address(endpoint.project), address(endpoint.project.organization)]
    pages += [address(endpoint, act) for act in ACTS]
    for path in pages:
        answer = superuser.get(path)
        shown = answer.getvalue().decode()
        assert answer.status_code == 200
        assert [one for one in hidden if one in shown] == [], path
    for path in (LIST, address(endpoint)):
        assert SHOWN in text_of(superuser.get(path))


def test_disabling_keeps_who_and_why_and_a_client_sees_that_staff_did(
    operator: Client, owner: Machine, endpoint: WebhookEndpoint
) -> None:
    make_delivery(endpoint)
    answer = do(operator, endpoint, "disable", "It floods.")

    endpoint.refresh_from_db()
    assert endpoint.disabled_reason == DisabledReason.STAFF
    assert "off, by staff" in text_of(answer)
    name = f"Acme / owner / {endpoint.pk}"
    assert last_history(endpoint) == (
        "operators", name, f"Disabled the webhook {name}.\nReason: It floods.",
    )  # fmt: skip
    shown = owner.get(f"/api/webhooks/{endpoint.pk}").json()
    assert (shown["enabled"], shown["disabled_reason"]) == (False, "staff")


def test_staff_take_over_what_is_off_and_alone_enable_it(
    operator: Client, owner: Machine, endpoint: WebhookEndpoint
) -> None:
    asked = html.unescape(text_of(operator.get(address(endpoint, "disable"))))
    assert "It can make another: suspend the project to stop that." in asked
    disabled(endpoint, DisabledReason.GONE)
    do(operator, endpoint, "disable", "It floods.")
    with nothing_changes():
        assert operator.post(address(endpoint, "disable"), {"reason": "Again."}).status_code == 409
        refused = owner.call("PATCH", f"/api/webhooks/{endpoint.pk}", {"enabled": True})
        assert refused.status_code == 409
    do(operator, endpoint, "enable", "It is repaired.")
    endpoint.refresh_from_db()
    assert (endpoint.disabled_at, endpoint.disabled_reason) == (None, None)


def test_enabling_gives_it_five_days_anew(operator: Client, endpoint: WebhookEndpoint) -> None:
    disabled(endpoint, DisabledReason.FAILING)
    WebhookEndpoint.objects.filter(id=endpoint.id).update(failing_since=clock.now())

    do(operator, endpoint, "enable", "Repaired.")

    endpoint.refresh_from_db()
    assert (endpoint.disabled_at, endpoint.disabled_reason, endpoint.failing_since) == (None,) * 3
    assert last_history(endpoint)[2].startswith("Enabled the webhook Acme / owner / ")


def test_a_test_is_one_message_to_this_endpoint_alone(
    operator: Client, owner: Machine, endpoint: WebhookEndpoint
) -> None:
    make_endpoint(owner.project)
    do(operator, endpoint, "test", "Asked for.")
    delivery = WebhookDelivery.objects.get()
    assert (delivery.endpoint_id, delivery.type) == (endpoint.pk, "webhook.test")


def test_a_replay_is_of_what_was_not_delivered_since_then(
    operator: Client, endpoint: WebhookEndpoint
) -> None:
    now = clock.now()
    WebhookEndpoint.objects.filter(pk=endpoint.pk).update(created_at=now - timedelta(days=40))
    for hours, status in ((1, "failed"), (2, "held"), (3, "delivered"), (30, "failed")):
        make_delivery(endpoint, status=status, created_at=now - timedelta(hours=hours))
    since = (now - timedelta(hours=4)).replace(second=0, microsecond=0)

    asked = operator.get(address(endpoint, "replay"))
    answer = operator.post(
        address(endpoint, "replay"),
        {"since": since.strftime("%Y-%m-%dT%H:%M"), "reason": "They were down."},
        follow=True,
    )

    assert asked.context["effects"][1] == "Not delivered: 2 of the last day, 3 of 30 days."
    assert f"Began to replay 2 messages since {since:%Y-%m-%d %H:%M} UTC" in text_of(answer)
    endpoint.refresh_from_db()
    assert endpoint.replay_since == since


@pytest.mark.parametrize("since", ["", "2999-01-01T00:00", "yesterday"])
def test_a_replay_since_no_moment_of_the_past_is_refused(
    operator: Client, endpoint: WebhookEndpoint, since: str
) -> None:
    with nothing_changes():
        given = {"since": since, "reason": "They were down."}
        answer = operator.post(address(endpoint, "replay"), given)
    assert list(answer.context["form"].errors) == ["since"]


@pytest.mark.parametrize("act", ACTS)
def test_an_act_whose_time_has_passed_is_told_of_and_changes_nothing(
    operator: Client, endpoint: WebhookEndpoint, act: str
) -> None:
    if act != "enable":
        disabled(endpoint, DisabledReason.STAFF)
    given = {"since": "2026-01-01T00:00", "reason": "Late."}
    with nothing_changes():
        assert operator.post(address(endpoint, act), given).status_code == 409
        assert operator.post(address(endpoint, act), {"reason": ""}).status_code == 200
    assert (address(endpoint, act) in text_of(operator.get(address(endpoint)))) is False


@at_length("role", "support", "release managers")
def test_who_only_looks_does_nothing(endpoint: WebhookEndpoint, role: str) -> None:
    client = member(role)
    page = text_of(client.get(address(endpoint)))
    assert SHOWN in page
    with nothing_changes():
        for act in ACTS:
            assert address(endpoint, act) not in page
            assert client.get(address(endpoint, act)).status_code == 403
            given = {"since": "2026-01-01T00:00", "reason": "x"}
            assert client.post(address(endpoint, act), given).status_code == 403
            do_many(client, [endpoint], act, confirmed="yes", reason="x")
        assert client.post(address(endpoint), {"url": "https://other.example"}).status_code == 403
    assert LogEntry.objects.count() == 0
