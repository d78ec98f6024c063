"""The removal of sessions that have ended, with all that hangs on them."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import connection, transaction
from django.dispatch import Signal

from kynaplatform.api.errors import Conflict, NotFound
from kynaplatform.logs import served_request_id
from sessions_app.downtime import make_up_for_downtime
from sessions_app.lifecycle import settle_locked
from sessions_app.models import DetectionSession

# Sent with `ids` and `now`, inside the transaction that erases them: no restore brings them back.
erased = Signal()

# Of one transaction.
MAX_SESSIONS: Final = 500
MAX_EVENTS: Final = 20_000

# By a list of ids that is known when it is planned: tables are read by their keys alone.
_REMOVE: Final = """
WITH events AS (DELETE FROM detection_event WHERE session_id = ANY (%(ids)s::uuid[])),
attaches AS (DELETE FROM session_attach WHERE session_id = ANY (%(ids)s::uuid[])),
history AS (
    DELETE FROM django_admin_log WHERE object_id = ANY (%(ids)s::uuid[]::text[])
)
DELETE FROM detection_session WHERE id = ANY (%(ids)s::uuid[])
    -- For the trigger of webhooks, until the transaction ends.
    AND (
        SELECT set_config('kyna.deletion', %(deletion)s, true)
            || set_config('kyna.request_id', %(request_id)s, true)
    ) IS NOT NULL
"""


def sessions_remove(ids: Sequence[UUID], *, is_single: bool = False) -> list[UUID]:
    """Remove those of `ids` that have ended, with all that refers to them. Returns their ids.

    Their idempotency keys are free. A trigger (webhooks/triggers.py) empties their
    deliveries and writes one `sessions.deleted` for each endpoint, or `session.deleted` if
    `is_single`. It is one transaction, which the caller bounds (`within_a_batch`). Rows are locked
    in the order of their ids, so that two at once don't deadlock.
    """
    if not ids:
        return []
    ended = DetectionSession.objects.ended().filter(id__in=ids)
    with transaction.atomic():
        locked = [*ended.order_by("id").select_for_update().values_list("id", flat=True)]
        if locked:
            with connection.cursor() as cursor:
                parameters = {
                    "ids": locked,
                    "deletion": "single" if is_single else "batch",
                    "request_id": served_request_id.get(),
                }
                cursor.execute(_REMOVE, parameters)
    return locked


def sessions_erase(ids: Sequence[UUID], *, now: datetime, is_single: bool = False) -> int:
    """The same for good: no restore of an older backup brings them back. Returns how many."""
    with transaction.atomic():
        removed = sessions_remove(ids, is_single=is_single)
        if removed:
            erased.send(sender=DetectionSession, ids=removed, now=now)
    return len(removed)


def session_erase(*, session_id: UUID, project_id: UUID, now: datetime) -> None:
    """Erase a session of the project. Raises NotFound, and Conflict for one that has not ended."""
    one = DetectionSession.objects.filter(id=session_id)
    make_up_for_downtime(now)
    with transaction.atomic():
        settle_locked(one, now, project_id)
        mine = one.of_project(project_id)
        ids = [*mine.values_list("id", flat=True)]
        is_erased = sessions_erase(ids, now=now, is_single=True) > 0
        is_live = not is_erased and mine.exists()
    if is_live:
        raise Conflict("The session has not ended: finalize or cancel it first.")
    if not is_erased:
        raise NotFound("session")


def within_a_batch(sessions: Iterable[tuple[UUID, int]]) -> list[UUID]:
    """The first of `sessions`, each with its number of events, for one transaction."""
    ids: list[UUID] = []
    events = 0
    for id_, events_total in sessions:
        events += events_total
        if ids and events > MAX_EVENTS:
            break
        ids.append(id_)
    return ids[:MAX_SESSIONS]
