"""The retention of deliveries, a task of the workers; kynaplatform/celery.py has its schedule."""

from datetime import datetime

from django.db.models import QuerySet

from common.keyset import first_id_of
from common.slices import SLICE, update_in_slices
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

    def delete(rows: QuerySet[WebhookDelivery]) -> int:
        return update_in_slices(
            rows.order_by("id"),
            lambda ids: WebhookDelivery.objects.filter(id__in=ids).delete(),
            slice_size,
        )

    pruned = delete(WebhookDelivery.objects.filter(id__lt=first_id_of(now - DELIVERIES_KEPT)))
    deleted = WebhookEndpoint.objects.filter(deleted_at__lte=now)
    for endpoint_id in deleted.values_list("id", flat=True):
        pruned += delete(WebhookDelivery.objects.filter(endpoint_id=endpoint_id))
        pruned += deleted.filter(id=endpoint_id, deliveries__isnull=True).delete()[0]
    return pruned
