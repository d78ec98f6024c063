"""The erasure of a person: of all sessions of a subject that were created before the request."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet
from uuid_utils.compat import uuid7

from erasure.batches import Batch
from erasure.ledger import digest_of
from erasure.models import Erasure, Kind
from kynaplatform.api.chunks import change_in_chunks
from sessions_app.lifecycle import notify_runtimes
from sessions_app.models import LIVE_STATUSES, DetectionSession, Outcome, Status
from sessions_app.removal import MOST_SESSIONS, sessions_erase, within_a_batch
from sessions_app.session_ends import ended, update_live

# A session that is cancelled stays for so long: its runtime tells its client of the end.
TOLD_WITHIN: Final = timedelta(seconds=10)
# A create that began before the request has committed by then, or never will: no statement of an
# API lasts so long, and no transaction of it is idle for so long.
CREATED_WITHIN: Final = timedelta(seconds=60)


def subject_erase(*, organization_id: UUID, project_id: UUID, subject: str, now: datetime) -> int:
    """Have the worker erase the subject. Live sessions are cancelled at once.

    Returns how many sessions the subject has now.
    """
    id_ = uuid7()
    with transaction.atomic():
        erasure = Erasure.objects.create(
            id=id_,
            kind=Kind.SUBJECT,
            organization_id=organization_id,
            project_id=project_id,
            subject=subject,
            subject_digest=digest_of(id_, subject),
            requested_at=now,
        )
        of_subject = sessions_of(erasure)
        sessions = of_subject.count()
        sessions_cancel(of_subject, now)
    return sessions


def sessions_of(erasure: Erasure) -> QuerySet[DetectionSession]:
    return DetectionSession.objects.filter(
        Q(project_id=erasure.project_id),
        subject=erasure.subject,
        created_at__lte=erasure.requested_at,
    )


def subject_go_on(erasure: Erasure, *, now: datetime) -> Batch:
    """Erase a batch of its sessions."""
    of_subject = sessions_of(erasure)
    sessions_cancel(of_subject, now)
    batch = of_subject.filter(ended_at__lte=now - TOLD_WITHIN).order_by("created_at")
    ids = within_a_batch(batch.values_list("id", "events_total")[:MOST_SESSIONS])
    if ids:
        return Batch(rows=len(ids), sessions=sessions_erase(ids, now=now))
    is_late = now >= erasure.requested_at + CREATED_WITHIN
    return Batch(rows=0, is_last=is_late and not of_subject.exists())


def sessions_cancel(sessions: QuerySet[DetectionSession], now: datetime) -> None:
    live = sessions.filter(deadline_at__isnull=False, status__in=LIVE_STATUSES)

    def cancel(ids: list[UUID]) -> None:
        update_live(live.filter(id__in=ids), **ended(Status.CANCELLED, Outcome.CANCELLED, now))
        notify_runtimes(ids)

    change_in_chunks(live, cancel)
