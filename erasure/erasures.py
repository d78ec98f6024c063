"""Erasures of people, projects and organizations.

A person's erasure covers all sessions of a subject that were created before the request. A
project's rows are deleted children first, a batch at a time. The erasure, the staff's log line of
who erased it and why, and usage remain.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.contrib.admin.models import LogEntry
from django.db import connection, transaction
from django.db.models import Q, QuerySet
from uuid_utils.compat import uuid7

from common.slices import SLICE
from erasure.models import Erasure, Kind, digest_of
from kynaplatform.api.errors import Conflict
from movespecs.catalogue import CATALOGUE_ORGANIZATION, CATALOGUE_PROJECT
from movespecs.models import MoveSpec, MoveSpecDraft, MoveSpecVersion, Release
from projects.models import AccessToken, Credential, Organization, Project, suspend
from sessions_app.lifecycle import sessions_end, sessions_erase, sessions_remove, within_a_batch
from sessions_app.models import LIVE_STATUSES, DetectionSession, Outcome, SessionQuerySet, Status
from sessions_app.session_ends import ended
from webhooks.endpoints import endpoint_delete, endpoints_of
from webhooks.models import WebhookDelivery, WebhookEndpoint

Owner = Organization | Project
# The beginning of staff's log lines of an erasure, which stay without a name.
DEED: Final = "Erasure begun"
# Each may have 64 KiB of text.
MAX_TEXTS: Final = 200
# A cancelled session stays this long: its runtime sends the end to its client.
TOLD_WITHIN: Final = timedelta(seconds=10)
# By then a create that began before the request has committed, or never will: the API's statements
# and idle transactions end sooner.
CREATED_WITHIN: Final = timedelta(seconds=60)
_LOCK: Final = "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))"


class Batch(NamedTuple):
    """One transaction: the deleted rows and sessions, and whether it was the last."""

    rows: int
    sessions: int = 0
    is_last: bool = False


def sessions_cancel(sessions: SessionQuerySet, now: datetime) -> None:
    """Cancel live sessions, overdue ones too; locked ones are left to the next run."""
    live = sessions.live().filter(status__in=LIVE_STATUSES)
    sessions_end(live, ended(Status.CANCELLED, Outcome.CANCELLED, now))


def sessions_go_on(
    sessions: SessionQuerySet, now: datetime, remove: Callable[[list[UUID]], int]
) -> Batch | None:
    """Remove as many sessions as one transaction does, oldest first; None if there are none."""
    sessions_cancel(sessions, now)
    over = sessions.filter(ended_at__lte=now - TOLD_WITHIN).order_by("created_at")
    if ids := within_a_batch(over):
        removed = remove(ids)
        return Batch(rows=removed, sessions=removed)
    return Batch(rows=0) if sessions.exists() else None


# --- A person -----------------------------------------------------------------------------


def subject_erase(*, organization_id: UUID, project_id: UUID, subject: str, now: datetime) -> int:
    """Have the worker erase the subject; cancel live sessions at once.

    Replaces a pending erasure of the subject. Returns the number of sessions to erase.
    """
    # A new id also where it replaces one: the ledger may have a line with the other's time.
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


def sessions_of(erasure: Erasure) -> SessionQuerySet:
    return DetectionSession.objects.filter(
        Q(project_id=erasure.project_id),
        subject=erasure.subject,
        created_at__lte=erasure.requested_at,
    )


def subject_go_on(erasure: Erasure, *, now: datetime) -> Batch:
    """Erase a batch of the subject's sessions."""
    batch = sessions_go_on(sessions_of(erasure), now, lambda ids: sessions_erase(ids, now=now))
    return batch or Batch(rows=0, is_last=now >= erasure.requested_at + CREATED_WITHIN)


# --- A project, an organization --------------------------------------------------------------


def owner_erase(owner: Owner, *, now: datetime) -> Erasure:
    """Suspend the owner, and have the worker erase it. Safe to repeat.

    Raises Conflict for the owners of the catalogue, whose versions count in others' sessions.
    """
    if owner.pk in (CATALOGUE_PROJECT, CATALOGUE_ORGANIZATION):
        raise Conflict("The catalogue can't be erased: sessions of other projects use it.")
    with transaction.atomic():
        locked: Any = type(owner)._default_manager.select_for_update(no_key=True)
        locked.get(pk=owner.pk)
        if (earlier := erasure_of(owner)) is not None:
            return earlier
        suspend(owner, now=now)
        is_project = isinstance(owner, Project)
        return Erasure.objects.create(
            id=uuid7(),
            kind=Kind.PROJECT if is_project else Kind.ORGANIZATION,
            organization_id=owner.organization_id if isinstance(owner, Project) else owner.pk,
            project_id=owner.pk if is_project else None,
            requested_at=now,
        )


def erasure_of(owner: Owner) -> Erasure | None:
    """The pending erasure of the owner or its organization."""
    its_own = Q(kind=Kind.ORGANIZATION, organization_id=owner.pk)
    if isinstance(owner, Project):
        its_own = Q(kind=Kind.PROJECT, project_id=owner.pk) | Q(
            kind=Kind.ORGANIZATION, organization_id=owner.organization_id
        )
    return Erasure.objects.filter(its_own, ended_at__isnull=True).first()


def owner_go_on(erasure: Erasure, *, now: datetime) -> Batch:
    """Erase a batch of the project, or of the organization's first remaining project."""
    is_project = erasure.kind == Kind.PROJECT
    organization = Organization.objects.filter(id=erasure.organization_id)
    projects = Project.objects.filter(
        **{"id": erasure.project_id} if is_project else {"organization": erasure.organization_id}
    )
    owners: QuerySet[Any] = projects if is_project else organization
    for owner in owners:
        suspend(owner, now=now)  # it is active in an older backup
    if (project := projects.order_by("id").first()) is None:
        if is_project:
            return Batch(rows=0, is_last=True)
        _forget_lines([erasure.organization_id], but_deeds=True)
        return Batch(rows=organization.delete()[0], is_last=True)
    sessions = DetectionSession.objects.filter(project_id=project.id)
    batch = (
        _endpoints(project.id, now)
        or _deliveries(project.id)
        or sessions_go_on(sessions, now, lambda ids: len(sessions_remove(ids)))
        or _movespecs(project.id)
        or _remove(AccessToken.objects.filter(project_id=project.id), SLICE)
        or _remove(Credential.objects.filter(project_id=project.id), SLICE, reference="replaces")
    )
    if batch is not None:
        return batch
    _forget_lines([project.id], but_deeds=True)
    return Batch(rows=projects.filter(id=project.id).delete()[0], is_last=is_project)


def _endpoints(project_id: UUID, now: datetime) -> Batch | None:
    """Nothing more is sent to or written for a deleted endpoint."""
    endpoints = [*endpoints_of(project_id)]
    for endpoint in endpoints:
        endpoint_delete(endpoint=endpoint, now=now)
    return Batch(rows=len(endpoints)) if endpoints else None


def _deliveries(project_id: UUID) -> Batch | None:
    endpoint_ids = _ids(WebhookEndpoint.objects.filter(project_id=project_id), SLICE)
    of_project = WebhookDelivery.objects.filter(endpoint_id__in=endpoint_ids)
    return _remove(of_project, SLICE) or _remove(
        WebhookEndpoint.objects.filter(id__in=endpoint_ids), SLICE
    )


def _movespecs(project_id: UUID) -> Batch | None:
    """Versions, then MoveSpecs; the trigger of migrations/0001 permits it under an erasure."""
    mine = MoveSpec.objects.filter(project_id=project_id)
    if ids := _ids(mine.filter(current_released_version__isnull=False), SLICE):
        return Batch(rows=mine.filter(id__in=ids).update(current_released_version=None))
    for model in (Release, MoveSpecVersion, MoveSpecDraft):
        of_project: Any = model._default_manager.filter(movespec__project_id=project_id)
        if batch := _remove(of_project, MAX_TEXTS):
            return batch
    return _remove(mine, SLICE, reference="forked_from")


def _remove(rows: QuerySet[Any], most: int, reference: str | None = None) -> Batch | None:
    """Delete some of the rows with the staff's log lines about them; None if there are none.

    `reference` is the column by which other rows of the table may refer to them.
    """
    ids = _ids(rows, most)
    if not ids:
        return None
    table: Any = rows.model._default_manager
    if reference is not None:
        table.filter(**{f"{reference}__in": ids}).update(**{reference: None})
    _forget_lines(ids)
    batch = table.filter(pk__in=ids)
    return Batch(rows=batch._raw_delete(batch.db))


def _ids(rows: QuerySet[Any], most: int) -> list[Any]:
    return [*rows.order_by().values_list("pk", flat=True)[:most]]


def _forget_lines(ids: list[Any], *, but_deeds: bool = False) -> None:
    """Delete the log lines about these rows; the erasure's own stay, without a name."""
    lines = LogEntry.objects.filter(object_id__in=[str(id_) for id_ in ids])
    if but_deeds:
        deeds = lines.filter(change_message__startswith=DEED)
        deeds.update(object_repr=str(ids[0]))
        lines = lines.exclude(change_message__startswith=DEED)
    lines.delete()
