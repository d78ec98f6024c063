"""A batch of an erasure: rows that one transaction removes."""

from datetime import datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

from django.db.models import QuerySet

from kynaplatform.api.chunks import change_in_chunks
from sessions_app.lifecycle import notify_runtimes
from sessions_app.models import LIVE_STATUSES, DetectionSession, Outcome, Status
from sessions_app.removal import MAX_SESSIONS, within_a_batch
from sessions_app.session_ends import ended, update_live

# A session that is cancelled stays for so long: its runtime tells its client of the end.
TOLD_WITHIN: Final = timedelta(seconds=10)


class Batch(NamedTuple):
    """How many rows went, how many of them were sessions, and whether nothing can come after."""

    rows: int
    sessions: int = 0
    is_last: bool = False


def sessions_cancel(sessions: QuerySet[DetectionSession], now: datetime) -> None:
    """Cancel those that live, overdue ones too. What is being written is left to the next time."""
    live = sessions.filter(deadline_at__isnull=False, status__in=LIVE_STATUSES)

    def cancel(ids: list[UUID]) -> None:
        update_live(live.filter(id__in=ids), **ended(Status.CANCELLED, Outcome.CANCELLED, now))
        notify_runtimes(ids)

    change_in_chunks(live, cancel)


def ended_within_a_batch(sessions: QuerySet[DetectionSession], now: datetime) -> list[UUID]:
    """Those that one transaction removes, the oldest first."""
    over = sessions.filter(ended_at__lte=now - TOLD_WITHIN).order_by("created_at")
    return within_a_batch(over.values_list("id", "events_total")[:MAX_SESSIONS])
