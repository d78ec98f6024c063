"""Changing many rows in short transactions, safely from several workers at once."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from sessions_app.deadlines import is_to_settle, settle
from sessions_app.models import DetectionSession


def change_in_chunks(
    rows: QuerySet[Any], change: Callable[[list[Any]], object], chunk_size: int
) -> int:
    """Lock up to `chunk_size` of `rows` at a time and `change` those of these primary keys.

    That takes them out of `rows`. What another worker has locked is skipped: it is changing it.
    Answers how many were changed.
    """
    changed = 0
    while True:
        with transaction.atomic():
            locked = rows.select_for_update(skip_locked=True, no_key=True)
            keys = list(locked.values_list("pk", flat=True)[:chunk_size])
            if keys:
                change(keys)
        changed += len(keys)
        if len(keys) < chunk_size:
            return changed


def settle_in_chunks(rows: QuerySet[DetectionSession], now: datetime, chunk_size: int) -> int:
    """Settle those of `rows` that are overdue and not to finish; answers how many."""
    return change_in_chunks(
        rows.filter(is_to_settle(now)),
        lambda ids: settle(DetectionSession.objects.filter(id__in=ids), now),
        chunk_size,
    )
