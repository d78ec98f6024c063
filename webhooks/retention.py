"""Retention of deliveries: 30 days, and those of deleted endpoints with the endpoints."""

from datetime import datetime, timedelta
from typing import Final

from django.db.models import QuerySet

from kynaplatform.api.chunks import CHUNK, change_in_chunks
from kynaplatform.database.time_ids import first_id_of
from webhooks.models import WebhookDelivery, WebhookEndpoint

DELIVERIES_KEPT: Final = timedelta(days=30)


def prune_deliveries(*, now: datetime, chunk_size: int = CHUNK) -> int:
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
