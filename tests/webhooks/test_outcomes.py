"""What becomes of a delivery and its endpoint: ten tries over 28 hours, 410, five days."""

from datetime import timedelta

import pytest

from kynaplatform import clock
from tests.webhooks.endpoint import URL, make_delivery, make_endpoint
from tests.webhooks.test_claims import claim, outcome
from webhooks.endpoints import endpoint_change
from webhooks.models import WebhookDelivery, WebhookEndpoint
from webhooks.outcomes import outcomes_record
from webhooks.schedule import FAILS_FOR, JITTER, WAITS

FAILED = {"failure": "Answered 500.", "response_status": 500}


def try_once(now, **more):
    [claimed] = claim(now)
    outcomes_record([outcome(claimed, **more)], now=now)


def test_it_tries_ten_times_over_28_hours(owner):
    make_endpoint(owner.project)
    delivery = make_delivery(WebhookEndpoint.objects.get())
    first = now = clock.now()
    waits = []
    for _ in range(9):
        try_once(now, **FAILED)
        delivery.refresh_from_db()
        assert (delivery.status, delivery.claim_id) == ("waiting", None)
        waits.append(delivery.due_at - now)
        now = delivery.due_at
    for wait, nominal in zip(waits, WAITS, strict=True):
        assert abs(wait / nominal - 1) <= JITTER + 1e-6
    assert sum(WAITS, timedelta()) == timedelta(hours=27, minutes=56, seconds=5)
    assert timedelta(hours=25) < now - first < timedelta(hours=31)
    try_once(now, **FAILED)
    delivery.refresh_from_db()
    assert (delivery.status, delivery.tries, delivery.failure) == ("failed", 10, "Answered 500.")
    assert claim(now + timedelta(days=9)) == []


def test_the_waits_of_what_failed_together_differ(owner):
    endpoint, now = make_endpoint(owner.project), clock.now()
    for _ in range(8):
        make_delivery(endpoint)
    outcomes_record([outcome(one, **FAILED) for one in claim(now)], now=now)
    assert len(set(WebhookDelivery.objects.values_list("due_at", flat=True))) == 8


def fail(endpoint, tries, messages, now):
    """So many failed tries of so many messages, each of them in a turn of its own."""
    for number in range(messages):
        delivery = make_delivery(endpoint)
        for _ in range(tries // messages + (number < tries % messages)):
            WebhookDelivery.objects.filter(id=delivery.id).update(due_at=now)
            try_once(now, **FAILED)
        WebhookDelivery.objects.filter(id=delivery.id).update(due_at=now + timedelta(days=9))


@pytest.mark.parametrize(
    ("failing_for", "tries", "messages", "is_disabled"),
    [
        (FAILS_FOR, 10, 3, True),
        (FAILS_FOR, 9, 3, False),
        (FAILS_FOR, 10, 2, False),
        (FAILS_FOR - timedelta(seconds=1), 20, 3, False),
    ],
)
def test_it_is_disabled_once_ten_tries_of_three_messages_have_failed_for_five_days(
    owner, failing_for, tries, messages, is_disabled
):
    endpoint, first = make_endpoint(owner.project), clock.now()
    fail(endpoint, tries - 1, messages - 1, first)
    endpoint.refresh_from_db()
    assert (endpoint.failing_since, endpoint.failed_tries) == (first, tries - 1)
    now = first + failing_for
    fail(endpoint, 1, 1, now)
    endpoint.refresh_from_db()
    assert (endpoint.failing_since, endpoint.failed_tries) == (first, tries)
    assert len(endpoint.failed_messages) == messages
    assert (endpoint.disabled_at, endpoint.disabled_reason) == (
        (now, "failing") if is_disabled else (None, None)
    )


def test_one_failure_after_five_days_disables_nothing(owner):
    """Of an endpoint that gets a message a week, and of one whose counts nobody has stored yet."""
    endpoint, now = make_endpoint(owner.project), clock.now()
    WebhookEndpoint.objects.update(failing_since=now - FAILS_FOR)
    fail(endpoint, 1, 1, now)
    endpoint.refresh_from_db()
    assert (endpoint.failed_tries, endpoint.disabled_at) == (1, None)


def test_a_success_begins_the_five_days_anew(owner):
    """Also of a try that was under way when the first one failed."""
    endpoint, now = make_endpoint(owner.project), clock.now()
    make_delivery(endpoint)
    [under_way] = claim(now)
    fail(endpoint, 9, 2, now)
    outcomes_record([outcome(under_way)], now=now)
    endpoint.refresh_from_db()
    assert (endpoint.failing_since, endpoint.failed_tries, endpoint.failed_messages) == (
        None,
        0,
        None,
    )
    fail(endpoint, 1, 1, now + FAILS_FOR)
    endpoint.refresh_from_db()
    assert (endpoint.failing_since, endpoint.disabled_at) == (now + FAILS_FOR, None)


def test_a_success_in_the_turn_of_a_failure_begins_anew(owner):
    endpoint, now = make_endpoint(owner.project), clock.now()
    fail(endpoint, 12, 3, now - FAILS_FOR)
    for _ in range(2):
        make_delivery(endpoint)
    first, second = claim(now)
    outcomes_record([outcome(first, **FAILED), outcome(second)], now=now)
    endpoint.refresh_from_db()
    assert (endpoint.failing_since, endpoint.failed_tries, endpoint.disabled_at) == (None, 0, None)


@pytest.mark.parametrize("more", [FAILED, {"failure": "Answered 410.", "response_status": 410}, {}])
def test_a_try_to_the_address_before_counts_for_nothing(owner, more):
    endpoint, now = make_endpoint(owner.project), clock.now()
    fail(endpoint, 12, 3, now - FAILS_FOR)
    make_delivery(endpoint)
    [under_way] = claim(now)
    endpoint.refresh_from_db()
    endpoint_change(endpoint=endpoint, changes={"url": f"{URL}2"}, enabled=None, now=now)
    endpoint.refresh_from_db()
    assert (endpoint.failing_since, endpoint.failed_tries, endpoint.failed_messages) == (
        None,
        0,
        None,
    )
    WebhookEndpoint.objects.update(failing_since=now, failed_tries=1)
    outcomes_record([outcome(under_way, **more)], now=now)
    endpoint.refresh_from_db()
    assert (endpoint.failing_since, endpoint.failed_tries, endpoint.disabled_at) == (now, 1, None)


def test_the_same_address_begins_nothing_anew(owner):
    endpoint, now = make_endpoint(owner.project), clock.now()
    fail(endpoint, 2, 1, now)
    endpoint.refresh_from_db()
    changes = {"url": URL, "description": "ours"}
    endpoint_change(endpoint=endpoint, changes=changes, enabled=None, now=now)
    endpoint.refresh_from_db()
    assert (endpoint.failing_since, endpoint.failed_tries) == (now, 2)


def test_410_gives_up_at_once(owner):
    endpoint, now = make_endpoint(owner.project), clock.now()
    delivery = make_delivery(endpoint)
    try_once(now, failure="Answered 410.", response_status=410)
    delivery.refresh_from_db()
    endpoint.refresh_from_db()
    assert delivery.status == "failed"
    assert (endpoint.disabled_at, endpoint.disabled_reason) == (now, "gone")
