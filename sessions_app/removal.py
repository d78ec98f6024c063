"""The removal of sessions that have ended, with all that hangs on them."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from django.db import connection, transaction

from sessions_app.models import DetectionSession

# By a list of ids that is known when it is planned: tables are read by their keys alone.
_REMOVE: Final = """
WITH events AS (DELETE FROM detection_event WHERE session_id = ANY (%(ids)s::uuid[])),
attaches AS (DELETE FROM session_attach WHERE session_id = ANY (%(ids)s::uuid[])),
history AS (
    DELETE FROM django_admin_log WHERE object_id = ANY (%(ids)s::uuid[]::text[])
)
DELETE FROM detection_session WHERE id = ANY (%(ids)s::uuid[])
"""


def sessions_remove(ids: Sequence[UUID]) -> int:
    """Remove those of `ids` that have ended; others are left. Returns how many it removed.

    Their events, their attaches and what staff did to them go as well. Their idempotency keys are
    free, and webhooks/migrations/0002_outbox.py empties and tells their deliveries. It is one
    transaction, so the caller bounds it: at most 500 sessions, of events as many as it wants to
    delete at once. The rows are locked by their ids, so two at once don't wait for each other
    crosswise.
    """
    if not ids:
        return 0
    ended = DetectionSession.objects.filter(id__in=ids, deadline_at__isnull=True)
    with transaction.atomic():
        locked = [*ended.order_by("id").select_for_update().values_list("id", flat=True)]
        if locked:
            with connection.cursor() as cursor:
                cursor.execute(_REMOVE, {"ids": locked})
    return len(locked)
