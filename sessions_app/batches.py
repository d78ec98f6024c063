"""Changing many sessions in short transactions, safely from several workers at once."""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from sessions_app.deadlines import is_to_settle, settle
from sessions_app.models import DetectionSession


def change_in_batches(
    rows: QuerySet[DetectionSession], change: Callable[[list[UUID]], object], batch: int
) -> int:
    """Lock up to `batch` of `rows` at a time and `change` them, which takes them out of `rows`.

    What another worker holds is skipped: it is changing it. Answers how many were changed.
    """
    changed = 0
    while True:
        with transaction.atomic():
            locked = rows.select_for_update(skip_locked=True, no_key=True)
            ids = list(locked.values_list("id", flat=True)[:batch])
            if ids:
                change(ids)
        changed += len(ids)
        if len(ids) < batch:
            return changed


def settle_in_batches(rows: QuerySet[DetectionSession], now: datetime, batch: int) -> int:
    """Settle those of `rows` that are overdue and not to finish; answers how many."""
    return change_in_batches(
        rows.filter(is_to_settle(now)),
        lambda ids: settle(DetectionSession.objects.filter(id__in=ids), now),
        batch,
    )
