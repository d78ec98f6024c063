"""Updates of many rows in slices, each a short transaction, also by several workers at once."""

from collections.abc import Callable
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

SLICE = 1000


def update_in_slices(
    rows: QuerySet[Any], change: Callable[[list[Any]], object], slice_size: int = SLICE
) -> int:
    """Lock up to `slice_size` of `rows` at a time, and call `change` with their primary keys.

    The change must take them out of `rows`. Skips rows that another worker has locked and is
    changing. Returns the number of changed rows.
    """
    changed = 0
    while True:
        with transaction.atomic():
            locked = rows.select_for_update(skip_locked=True, no_key=True)
            keys = list(locked.values_list("pk", flat=True)[:slice_size])
            if keys:
                change(keys)
        changed += len(keys)
        if len(keys) < slice_size:
            return changed


def delete_in_slices(rows: QuerySet[Any], slice_size: int = SLICE) -> int:
    """Delete `rows`, also by several workers at once. Returns how many."""
    all_rows = rows.model._default_manager
    return update_in_slices(rows, lambda keys: all_rows.filter(pk__in=keys).delete(), slice_size)
