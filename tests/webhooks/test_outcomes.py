"""What becomes of a delivery and its endpoint: ten tries over 28 hours, 410, five days."""

from datetime import timedelta

import pytest

from kynaplatform import clock
from tests.webhooks.endpoint import make_delivery, make_endpoint
from tests.webhooks.test_claims import claim, outcome
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


@pytest.mark.parametrize(
    ("failing_for", "is_disabled"),
    [(None, False), (FAILS_FOR - timedelta(seconds=1), False), (FAILS_FOR, True)],
)
def test_it_is_disabled_once_every_try_of_five_days_has_failed(owner, failing_for, is_disabled):
    endpoint, now = make_endpoint(owner.project), clock.now()
    make_delivery(endpoint)
    since = None if failing_for is None else now - failing_for
    WebhookEndpoint.objects.update(failing_since=since)
    try_once(now, **FAILED)
    endpoint.refresh_from_db()
    assert endpoint.failing_since == (since or now)
    assert (endpoint.disabled_at, endpoint.disabled_reason) == (
        (now, "failing") if is_disabled else (None, None)
    )


def test_one_success_ends_the_five_days(owner):
    endpoint, now = make_endpoint(owner.project), clock.now()
    WebhookEndpoint.objects.update(failing_since=now - FAILS_FOR)
    for _ in range(2):
        make_delivery(endpoint)
    first, second = claim(now)
    outcomes_record([outcome(first, **FAILED), outcome(second)], now=now)
    endpoint.refresh_from_db()
    assert (endpoint.failing_since, endpoint.disabled_at) == (None, None)


def test_410_gives_up_at_once(owner):
    endpoint, now = make_endpoint(owner.project), clock.now()
    delivery = make_delivery(endpoint)
    try_once(now, failure="Answered 410.", response_status=410)
    delivery.refresh_from_db()
    endpoint.refresh_from_db()
    assert delivery.status == "failed"
    assert (endpoint.disabled_at, endpoint.disabled_reason) == (now, "gone")
