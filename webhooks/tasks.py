"""The retention of deliveries, a task of the workers; kynaplatform/celery.py says when it runs."""

from datetime import datetime

from django.db.models import QuerySet

from common.slices import SLICE, update_in_slices
from kynaplatform import clock
from kynaplatform.database.time_ids import first_id_of
from sessions_app.last_runs import periodic_task
from webhooks.models import DELIVERIES_KEPT, WebhookDelivery, WebhookEndpoint


@periodic_task
def prune_deliveries() -> int:
    return deliveries_prune(now=clock.now())


def deliveries_prune(*, now: datetime, slice_size: int = SLICE) -> int:
    """Delete deliveries that are older than 30 days, and endpoints that were deleted.

    Ids begin with their time, so that the oldest are found by the primary key.
    """
    old = WebhookDelivery.objects.filter(id__lt=first_id_of(now - DELIVERIES_KEPT))
    pruned = _delete(old, slice_size)
    deleted = WebhookEndpoint.objects.filter(deleted_at__isnull=False, deleted_at__lte=now)
    for endpoint_id in deleted.values_list("id", flat=True):
        pruned += _delete(WebhookDelivery.objects.filter(endpoint_id=endpoint_id), slice_size)
        pruned += deleted.filter(id=endpoint_id, deliveries__isnull=True).delete()[0]
    return pruned


def _delete(rows: QuerySet[WebhookDelivery], slice_size: int) -> int:
    return update_in_slices(
        rows.order_by("id"),
        lambda ids: WebhookDelivery.objects.filter(id__in=ids).delete(),
        slice_size,
    )
