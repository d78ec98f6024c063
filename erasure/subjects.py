"""The erasure of a person: of all sessions of a subject that were created before the request."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Q, QuerySet
from uuid_utils.compat import uuid7

from erasure.batches import Batch, ended_within_a_batch, sessions_cancel
from erasure.ledger import digest_of
from erasure.models import Erasure, Kind
from sessions_app.models import DetectionSession
from sessions_app.removal import sessions_erase

# A create that began before the request has committed by then, or never will: no statement of an
# API lasts so long, and no transaction of it is idle for so long.
CREATED_WITHIN: Final = timedelta(seconds=60)
_LOCK: Final = "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))"


def subject_erase(*, organization_id: UUID, project_id: UUID, subject: str, now: datetime) -> int:
    """Have the worker erase the subject. Live sessions are cancelled at once.

    A pending erasure of the subject goes on as this one. Returns how many sessions the subject has
    now.
    """
    # Also where an earlier one goes on: a line of the ledger may say until when that was.
    id_ = uuid7()
    sessions_erased = 0
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(_LOCK, [f"erase:{project_id}:{subject}"])
        earlier = Erasure.objects.filter(
            project_id=project_id, subject=subject, ended_at__isnull=True
        )
        for one in earlier.select_for_update():
            now = max(now, one.requested_at)
            sessions_erased += one.sessions
            one.delete()
        erasure = Erasure.objects.create(
            id=id_,
            kind=Kind.SUBJECT,
            organization_id=organization_id,
            project_id=project_id,
            subject=subject,
            subject_digest=digest_of(id_, subject),
            requested_at=now,
            sessions=sessions_erased,
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
    if ids := ended_within_a_batch(of_subject, now):
        removed = sessions_erase(ids, now=now)
        return Batch(rows=removed, sessions=removed)
    is_late = now >= erasure.requested_at + CREATED_WITHIN
    return Batch(rows=0, is_last=is_late and not of_subject.exists())
