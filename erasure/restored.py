"""What a restore brought back, erased again by the lines of the ledger's file."""

from collections.abc import Iterable
from datetime import datetime
from itertools import islice
from typing import Final

from django.db.models import Q, QuerySet

from erasure.batches import sessions_cancel
from erasure.ledger import SESSION, Line, digest_of
from erasure.models import ErasedSession, Erasure, Kind
from projects.models import Organization, Project
from sessions_app.models import DetectionSession
from sessions_app.removal import MOST_SESSIONS, sessions_erase, within_a_batch

# Of which it is asked at once whether they are there.
ASKED: Final = 5000


def erase_again(lines: Iterable[Line], *, now: datetime) -> int:
    """Erase the sessions of `lines`, and take up the erasures. Returns how many sessions went.

    What they find is the worker's to erase: call `erasures_go_on` until none is pending.
    """
    sessions = 0
    remaining = iter(lines)
    while chunk := [*islice(remaining, ASKED)]:
        sessions += _sessions([line for line in chunk if line.kind == SESSION], now)
        for line in chunk:
            if line.kind != SESSION:
                _take_up(line, now)
    return sessions


def _sessions(lines: list[Line], now: datetime) -> int:
    ids = {line.id for line in lines}
    there = DetectionSession.objects.filter(id__in=ids)
    sessions_cancel(there, now)
    erased = 0
    ended = there.filter(deadline_at__isnull=True)
    while batch := within_a_batch(ended.values_list("id", "events_total")[:MOST_SESSIONS]):
        erased += sessions_erase(batch, now=now)
    # The ledger knows them anew, whether they were there or not.
    rows = [ErasedSession(id=one.id, erased_at=one.at, exported_at=now) for one in lines]
    ErasedSession.objects.bulk_create(rows, ignore_conflicts=True)
    return erased


def _take_up(line: Line, now: datetime) -> None:
    """Make the erasure pending, if what it erases is there."""
    subject = _subject_of(line)
    is_there = bool(subject) or _owner_of(line).exists()
    columns = {
        "kind": line.kind,
        "organization_id": line.organization_id,
        "project_id": line.project_id,
        "subject": subject,
        "subject_digest": line.subject_digest,
        "requested_at": line.at,
        "exported_at": now,
        "ended_at": None if is_there else now,
    }
    Erasure.objects.update_or_create(id=line.id, defaults=columns)


def _owner_of(line: Line) -> QuerySet[Project] | QuerySet[Organization]:
    if line.kind == Kind.ORGANIZATION:
        return Organization.objects.filter(Q(id=line.organization_id))
    if line.kind == Kind.PROJECT:
        return Project.objects.filter(Q(id=line.project_id))
    return Project.objects.none()


def _subject_of(line: Line) -> str | None:
    """The subject of whom the line has the digest, if the project has sessions of it."""
    if line.kind != Kind.SUBJECT:
        return None
    of_project = DetectionSession.objects.filter(
        Q(project_id=line.project_id), subject__isnull=False, created_at__lte=line.at
    )
    subjects = of_project.order_by().values_list("subject", flat=True).distinct()
    return next(
        (
            one
            for one in subjects.iterator()
            if one and digest_of(line.id, one) == line.subject_digest
        ),
        None,
    )
