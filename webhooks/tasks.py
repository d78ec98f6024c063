"""The retention of deliveries, a task of the workers; kynaplatform/celery.py has its schedule."""

from datetime import datetime

from common.keyset import first_id_of
from common.slices import SLICE, delete_in_slices
from kynaplatform import clock
from sessions_app.metrics import periodic_task
from webhooks.models import DELIVERIES_KEPT, WebhookDelivery, WebhookEndpoint


@periodic_task
def prune_deliveries() -> int:
    return deliveries_prune(now=clock.now())


def deliveries_prune(*, now: datetime, slice_size: int = SLICE) -> int:
    """Delete deliveries older than 30 days, and deleted endpoints with theirs.

    Ids begin with their time, so the primary key finds the oldest.
    """
    deliveries = WebhookDelivery.objects.order_by("id")
    old = deliveries.filter(id__lt=first_id_of(now - DELIVERIES_KEPT))
    pruned = delete_in_slices(old, slice_size)
    deleted = WebhookEndpoint.objects.filter(deleted_at__lte=now)
    for endpoint_id in deleted.values_list("id", flat=True):
        pruned += delete_in_slices(deliveries.filter(endpoint_id=endpoint_id), slice_size)
        pruned += deleted.filter(id=endpoint_id, deliveries__isnull=True).delete()[0]
    return pruned
