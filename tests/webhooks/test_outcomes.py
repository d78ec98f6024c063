"""What becomes of a delivery and its endpoint: ten tries over 28 hours, 410, five days."""

from datetime import timedelta

import pytest
from django.db import DataError, connection

from kynaplatform import clock
from tests.webhooks.endpoint import URL, make_delivery, make_endpoint
from tests.webhooks.test_claims import claim, outcome
from webhooks.endpoints import endpoint_change
from webhooks.models import WAITS, WebhookDelivery, WebhookEndpoint
from webhooks.outcomes import FAILS_FOR, JITTER, SILENCE, outcomes_record

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


def fail(endpoint, tries, messages, first, last=None):
    """So many failed tries of so many messages, each in a turn of its own, from first to last."""
    later = first + timedelta(days=90)
    made = [make_delivery(endpoint, due_at=later).id for _ in range(messages)]
    for number in range(tries):
        now = first + ((last or first) - first) * number / max(tries - 1, 1)
        one = WebhookDelivery.objects.filter(id=made[number % messages])
        one.update(due_at=now)
        try_once(now, **FAILED)
        one.update(due_at=later)


def counted(endpoint):
    return endpoint.failing_since, endpoint.failed_tries, endpoint.failed_messages


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
    now = first + failing_for
    fail(endpoint, tries - 1, messages - 1, first, now - timedelta(hours=12))
    endpoint.refresh_from_db()
    assert (endpoint.failing_since, endpoint.failed_tries) == (first, tries - 1)
    fail(endpoint, 1, 1, now)
    endpoint.refresh_from_db()
    assert (endpoint.failing_since, endpoint.failed_tries) == (first, tries)
    assert len(endpoint.failed_messages) == messages
    assert (endpoint.disabled_at, endpoint.disabled_reason) == (
        (now, "failing") if is_disabled else (None, None)
    )


def test_a_failure_after_a_day_without_any_begins_the_five_days_anew(owner):
    """However many tries failed before: twelve in a minute, and then one after the five days."""
    endpoint, first = make_endpoint(owner.project), clock.now()
    fail(endpoint, 12, 3, first)
    just_within = first + SILENCE - timedelta(seconds=1)
    fail(endpoint, 1, 1, just_within)
    endpoint.refresh_from_db()
    assert (endpoint.failing_since, endpoint.failed_tries) == (first, 13)
    for after in (SILENCE, FAILS_FOR):
        now = just_within + after
        WebhookEndpoint.objects.update(failing_since=first, failed_at=just_within, failed_tries=13)
        fail(endpoint, 1, 1, now)
        endpoint.refresh_from_db()
        assert (endpoint.failing_since, endpoint.failed_tries) == (now, 1)
        assert (len(endpoint.failed_messages), endpoint.disabled_at) == (1, None)


def test_a_success_begins_the_five_days_anew(owner):
    """Also of a try that was under way when the first one failed."""
    endpoint, now = make_endpoint(owner.project), clock.now()
    make_delivery(endpoint)
    [under_way] = claim(now)
    fail(endpoint, 9, 2, now)
    outcomes_record([outcome(under_way)], now=now)
    endpoint.refresh_from_db()
    assert counted(endpoint) == (None, 0, None)
    fail(endpoint, 1, 1, now + FAILS_FOR)
    endpoint.refresh_from_db()
    assert (endpoint.failing_since, endpoint.disabled_at) == (now + FAILS_FOR, None)


@pytest.mark.parametrize("more", [FAILED, {"failure": "Answered 410.", "response_status": 410}, {}])
def test_a_try_to_the_address_before_counts_for_nothing(owner, more):
    endpoint, now = make_endpoint(owner.project), clock.now()
    fail(endpoint, 12, 3, now - FAILS_FOR, now - timedelta(hours=12))
    make_delivery(endpoint, due_at=now)
    [under_way] = claim(now)
    endpoint.refresh_from_db()
    endpoint_change(endpoint=endpoint, changes={"url": f"{URL}2"}, enabled=None, now=now)
    endpoint.refresh_from_db()
    assert counted(endpoint) == (None, 0, None)
    WebhookEndpoint.objects.update(failing_since=now, failed_tries=1)
    outcomes_record([outcome(under_way, **more)], now=now)
    endpoint.refresh_from_db()
    assert (endpoint.failing_since, endpoint.failed_tries, endpoint.disabled_at) == (now, 1, None)


def test_each_is_tried_before_a_fault_of_all_is_raised(owner):
    endpoint, now = make_endpoint(owner.project), clock.now()
    for _ in range(3):
        make_delivery(endpoint)
    claims = claim(now)
    bad = claims[0]

    def refuse(execute, sql, params, many, context):
        if "given.failure" in sql and str(bad.id) in params[0]:
            raise DataError("this one")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(refuse), pytest.raises(DataError):
        outcomes_record([outcome(one) for one in claims], now=now)
    left = WebhookDelivery.objects.exclude(status="delivered").values_list("id", flat=True)
    assert [*left] == [bad.id]
