"""The retention of deliveries, a task of the workers; kynaplatform/celery.py says when it runs."""

from datetime import datetime

from django.db.models import QuerySet

from kynaplatform import clock
from kynaplatform.api.chunks import CHUNK, change_in_chunks
from kynaplatform.database.time_ids import first_id_of
from sessions_app.last_runs import periodic_task
from webhooks.models import DELIVERIES_KEPT, WebhookDelivery, WebhookEndpoint


@periodic_task
def prune_deliveries() -> int:
    return deliveries_prune(now=clock.now())


def deliveries_prune(*, now: datetime, chunk_size: int = CHUNK) -> int:
    """Delete deliveries that are older than 30 days, and endpoints that were deleted.

    Ids begin with their time, so that the oldest are found by the primary key.
    """
    old = WebhookDelivery.objects.filter(id__lt=first_id_of(now - DELIVERIES_KEPT))
    pruned = _delete(old, chunk_size)
    deleted = WebhookEndpoint.objects.filter(deleted_at__isnull=False, deleted_at__lte=now)
    for endpoint_id in deleted.values_list("id", flat=True):
        pruned += _delete(WebhookDelivery.objects.filter(endpoint_id=endpoint_id), chunk_size)
        pruned += deleted.filter(id=endpoint_id, deliveries__isnull=True).delete()[0]
    return pruned


def _delete(rows: QuerySet[WebhookDelivery], chunk_size: int) -> int:
    return change_in_chunks(
        rows.order_by("id"),
        lambda ids: WebhookDelivery.objects.filter(id__in=ids).delete(),
        chunk_size,
    )
