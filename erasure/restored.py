"""What a restore brought back, erased again by the lines of the ledger's file."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from itertools import islice
from typing import Final, cast
from uuid import UUID

from django.db.models import Min, Q, QuerySet

from erasure.batches import sessions_cancel
from erasure.ledger import KEPT, SESSION, Line, digest_of
from erasure.models import ErasedSession, Erasure, Kind
from projects.models import Organization, Project
from sessions_app.models import DetectionSession
from sessions_app.removal import MAX_SESSIONS, sessions_erase, within_a_batch

# Lines of which it is asked at once whether what they name is there.
ASKED: Final = 5000


def erase_again(lines: Iterable[Line], *, now: datetime) -> int:
    """Erase the sessions of `lines`, and take up the erasures. Returns how many sessions went.

    Lines older than any backup are passed over, and erasures that the database knows. What the
    others find is the worker's to erase: call `erasures_go_on` until none is pending.
    """
    sessions = 0
    remaining = (line for line in lines if line.at >= now - KEPT)
    unknown: list[Line] = []
    while chunk := [*islice(remaining, ASKED)]:
        sessions += _sessions([line for line in chunk if line.kind == SESSION], now)
        unknown += _unknown([line for line in chunk if line.kind != SESSION])
        if len(unknown) >= ASKED:
            _take_up(unknown, now)
            unknown = []
    _take_up(unknown, now)
    return sessions


def _sessions(lines: list[Line], now: datetime) -> int:
    ids = {line.id for line in lines}
    there = DetectionSession.objects.filter(id__in=ids)
    sessions_cancel(there, now)
    erased = 0
    ended = there.filter(deadline_at__isnull=True)
    while batch := within_a_batch(ended.values_list("id", "events_total")[:MAX_SESSIONS]):
        erased += sessions_erase(batch, now=now)
    # The ledger knows them anew, whether they were there or not.
    rows = [ErasedSession(id=one.id, erased_at=one.at, exported_at=now) for one in lines]
    ErasedSession.objects.bulk_create(rows, ignore_conflicts=True)
    return erased


def _unknown(lines: list[Line]) -> list[Line]:
    """Those of erasures that the database knows nothing of."""
    known = {
        *Erasure.objects.filter(id__in=[line.id for line in lines]).values_list("id", flat=True)
    }
    return [line for line in lines if line.id not in known]


def _take_up(lines: list[Line], now: datetime) -> None:
    """Make the erasures pending whose people, projects and organizations are there."""
    of_people = defaultdict(list)
    for line in lines:
        if line.kind == Kind.SUBJECT and line.project_id:
            of_people[line.project_id].append(line)
    subjects: dict[UUID, str] = {}
    for project_id, its_lines in of_people.items():
        subjects |= _subjects_of(project_id, its_lines)
    rows = [
        Erasure(
            id=line.id,
            kind=line.kind,
            organization_id=cast(UUID, line.organization_id),  # a session's line alone has none
            project_id=line.project_id,
            subject=subjects.get(line.id),
            subject_digest=line.subject_digest,
            requested_at=line.at,
            exported_at=now,
            ended_at=None if line.id in subjects or _owner_of(line).exists() else now,
        )
        for line in lines
    ]
    Erasure.objects.bulk_create(rows, ignore_conflicts=True)


def _owner_of(line: Line) -> QuerySet[Project] | QuerySet[Organization]:
    if line.kind == Kind.ORGANIZATION:
        return Organization.objects.filter(Q(id=line.organization_id))
    if line.kind == Kind.PROJECT:
        return Project.objects.filter(Q(id=line.project_id))
    return Project.objects.none()


def _subjects_of(project_id: UUID, lines: list[Line]) -> dict[UUID, str]:
    """An erasure's id → the subject that has its digest, if the project has sessions of it."""
    of_project = DetectionSession.objects.filter(Q(project_id=project_id), subject__isnull=False)
    firsts = of_project.order_by().values("subject").annotate(first=Min("created_at"))
    return {
        line.id: subject
        for subject, first in firsts.values_list("subject", "first").iterator()
        for line in lines
        if subject and first <= line.at and digest_of(line.id, subject) == line.subject_digest
    }
