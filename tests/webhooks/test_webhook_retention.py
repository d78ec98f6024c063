"""Deliveries go after 30 days, and with their endpoint."""

from datetime import timedelta
from uuid import UUID

import pytest

from kynaplatform import clock
from tests.webhooks.endpoint import make_delivery, make_endpoint
from webhooks import tasks
from webhooks.endpoints import endpoint_delete
from webhooks.models import WebhookDelivery, WebhookEndpoint


def id_at(moment, number):
    return UUID(int=(int(moment.timestamp() * 1000) << 80) + number)


@pytest.mark.parametrize("slice_size", [1, 3, 1000])
def test_what_is_older_than_30_days_goes(owner, slice_size):
    endpoint, now = make_endpoint(owner.project), clock.now()
    edge = now - timedelta(days=30)
    for number in range(7):
        make_delivery(endpoint, id=id_at(edge - timedelta(milliseconds=2), number))
    kept = make_delivery(endpoint, id=id_at(edge + timedelta(milliseconds=2), 1))
    assert tasks.deliveries_prune(now=now, slice_size=slice_size) == 7
    assert list(WebhookDelivery.objects.all()) == [kept]


def test_a_deleted_endpoint_goes_with_its_deliveries(owner):
    deleted, other = make_endpoint(owner.project), make_endpoint(owner.project)
    for _ in range(3):
        make_delivery(deleted)
    kept = make_delivery(other)
    endpoint_delete(endpoint=deleted, now=clock.now())
    assert tasks.prune_deliveries() == 4
    assert list(WebhookDelivery.objects.all()) == [kept]
    assert list(WebhookEndpoint.objects.all()) == [other]
