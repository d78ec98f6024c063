"""What is told of the queue, and of endpoints that take nothing."""

from datetime import timedelta

from kynaplatform import clock
from tests.webhooks.endpoint import make_delivery, make_endpoint
from webhooks.metrics import queue, webhook_metrics


def test_it_tells_what_has_waited_longest_of_those_who_take_messages(owner):
    now = clock.now()
    well, failing, disabled = (make_endpoint(owner.project) for _ in range(3))
    assert queue(now).oldest == timedelta(0)
    for endpoint, columns in (
        (failing, {"failing_since": now}),
        (disabled, {"disabled_at": now, "disabled_reason": "client"}),
    ):
        type(endpoint).objects.filter(id=endpoint.id).update(**columns)
        make_delivery(endpoint, due_at=now - timedelta(hours=1))
    make_delivery(well, due_at=now + timedelta(hours=1))
    assert queue(now).oldest == timedelta(0)
    for seconds in (3, 70, 9):
        make_delivery(well, due_at=now - timedelta(seconds=seconds))
    assert queue(now).oldest == timedelta(seconds=70)
    samples = [sample for metric in webhook_metrics() for sample in metric.samples]
    told = {(sample.name, *sample.labels.values()): sample.value for sample in samples}
    assert told.pop(("kyna_webhook_oldest_waiting_seconds",)) >= 70
    assert told == {
        ("kyna_webhook_endpoints_failing",): 1,
        ("kyna_webhook_organizations", "active"): 1,
        ("kyna_webhook_organizations", "late"): 1,
        ("kyna_webhook_organizations", "held_up"): 1,
    }


def test_an_organization_is_held_up_where_a_quick_receiver_waits(owner, outsider):
    """A slow one is late by itself; its last 20 answers tell."""
    now = clock.now()
    quick, slow = (make_endpoint(one.project) for one in (owner, outsider))
    for endpoint, before, last in ((quick, 9_500, 2_000), (slow, 20, 2_001)):
        for number in range(40):
            make_delivery(
                endpoint,
                status="delivered",
                created_at=now - timedelta(minutes=number),
                tried_at=now,
                duration_ms=last if number < 20 else before,
            )
    assert queue(now).held_up == 0
    for endpoint in (quick, slow):
        make_delivery(endpoint, due_at=now - timedelta(seconds=70))
    assert queue(now)[1:] == (2, 2, 1)
    # Nothing of it was sent yet.
    make_delivery(make_endpoint(outsider.project), due_at=now - timedelta(seconds=70))
    assert queue(now)[1:] == (2, 2, 2)
