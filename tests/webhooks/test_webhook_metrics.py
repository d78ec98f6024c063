"""What is told of the queue, and of endpoints that take nothing."""

from datetime import timedelta

from kynaplatform import clock
from tests.webhooks.endpoint import make_delivery, make_endpoint
from webhooks.metrics import WebhookCollector, failing_endpoints, oldest_wait


def test_it_tells_what_has_waited_longest_of_those_who_take_messages(owner):
    now = clock.now()
    well, failing, disabled = (make_endpoint(owner.project) for _ in range(3))
    assert (oldest_wait(now), failing_endpoints()) == (timedelta(0), 0)
    for endpoint, columns in (
        (failing, {"failing_since": now}),
        (disabled, {"disabled_at": now, "disabled_reason": "client"}),
    ):
        type(endpoint).objects.filter(id=endpoint.id).update(**columns)
        make_delivery(endpoint, due_at=now - timedelta(hours=1))
    make_delivery(well, due_at=now + timedelta(hours=1))
    assert oldest_wait(now) == timedelta(0)
    for seconds in (3, 70, 9):
        make_delivery(well, due_at=now - timedelta(seconds=seconds))
    assert (oldest_wait(now), failing_endpoints()) == (timedelta(seconds=70), 1)
    told = {metric.name: metric.samples[0].value for metric in WebhookCollector().collect()}
    assert sorted(told) == ["kyna_webhook_endpoints_failing", "kyna_webhook_oldest_waiting_seconds"]
    assert told["kyna_webhook_endpoints_failing"] == 1
