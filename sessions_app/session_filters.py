"""The filters of a list of sessions, and what they say of its rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import BooleanField, F, Q, QuerySet
from django.db.models.expressions import RawSQL

from movespecs.models import MoveSpecVersion
from projects.models import Project
from sessions_app.models import LIVE_STATUSES, Status
from sessions_app.notes import has_note

LIVE = "live"
# Completed without a repetition, as far as its events are counted.
UNCOUNTED = "uncounted"
HAS_NO_REPETITION = Q(repetitions={}, counted_events_total=F("events_total"))


class AnyOf(NamedTuple):
    """The sessions of these projects, and those that ran these versions: some hundreds at most."""

    project_ids: Sequence[UUID]
    version_ids: Sequence[UUID]

    @property
    def projects(self) -> QuerySet[Project]:
        return Project.objects.filter(is_among("projects_project.id", self.project_ids))

    @property
    def versions(self) -> QuerySet[MoveSpecVersion]:
        ids = is_among("movespecs_movespecversion.id", self.version_ids)
        return MoveSpecVersion.objects.filter(ids)

    @property
    def condition(self) -> Q:
        of_project = _is_any("detection_session.project_id", self.project_ids)
        return Q(of_project) | Q(self.has_version)

    @property
    def has_version(self) -> RawSQL:
        return _is_any("detection_session.resolved_version_id", self.version_ids)


def is_among(column: str, ids: Sequence[UUID]) -> RawSQL:
    """A condition by which rows are sought.

    One statement for any number of ids: a list would be another for each, and planned anew. With
    `= ANY` PostgreSQL 18 may read all sessions of the few projects that a table has.
    """
    return RawSQL(f"{column} IN (SELECT unnest(%s::uuid[]))", [list(ids)], BooleanField())  # noqa: S611


def _is_any(column: str, ids: Sequence[UUID]) -> RawSQL:
    """A condition that rows which were found are asked for."""
    return RawSQL(f"{column} = ANY (%s::uuid[])", [list(ids)], BooleanField())  # noqa: S611


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionFilters:
    """Which sessions; None is any. A version comes with its project, which its sessions are all of.

    `ids` are the first and the last. A project comes without its organization. The moments
    themselves are excluded. `version_ids` are those of one MoveSpec, and come with its project;
    so does `created_by`, a credential.
    `any_of` comes without `ids` and versions. A subject comes with a
    project, an organization, or the projects of `any_of`. A note is a whole text of the metadata.
    """

    ids: tuple[UUID, UUID] | None = None
    any_of: AnyOf | None = None
    organization_id: UUID | None = None
    project_id: UUID | None = None
    version_id: UUID | None = None
    version_ids: Sequence[UUID] | None = None
    status: str | None = None
    mode: str | None = None
    subject: str | None = None
    note: str | None = None
    created_by: UUID | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None

    @property
    def statuses(self) -> tuple[str, ...]:
        """The states that the filter takes; LIVE is those that have not ended."""
        if self.status is None:
            return tuple(Status.values)
        if self.status == UNCOUNTED:
            return (Status.COMPLETED,)
        return LIVE_STATUSES if self.status == LIVE else (self.status,)

    @property
    def has_owner(self) -> bool:
        return bool(self.project_id or self.organization_id)

    @property
    def has_version(self) -> bool:
        return self.version_id is not None or self.version_ids is not None

    @property
    def versions(self) -> QuerySet[MoveSpecVersion]:
        ids = is_among("movespecs_movespecversion.id", self.version_ids or ())
        return MoveSpecVersion.objects.filter(ids)

    @property
    def of_versions(self) -> Q:
        columns = where(resolved_version_id=self.version_id)
        if self.version_ids is not None:
            columns &= Q(_is_any("detection_session.resolved_version_id", self.version_ids))
        return columns

    @property
    def beside_order(self) -> Q:
        """What no index knows that gives an order."""
        beside = where(created_by=self.created_by)
        if self.status == UNCOUNTED:
            beside &= HAS_NO_REPETITION
        return beside & has_note(self.note) if self.note else beside

    @property
    def in_time(self) -> Q:
        return where(created_at__gt=self.created_after, created_at__lt=self.created_before)

    @property
    def beside_owner(self) -> Q:
        """What the indexes of subjects and of credentials don't know."""
        of_status = Q(status__in=self.statuses) if self.status else Q()
        return where(mode=self.mode) & of_status & self.of_versions & self.beside_order

    @property
    def condition(self) -> Q:
        columns = where(
            project__organization_id=self.organization_id,
            project_id=self.project_id,
            subject=self.subject,
        )
        if self.any_of:
            columns &= self.any_of.condition
        return columns & self.in_time & self.beside_owner


def where(**columns: Any) -> Q:
    return Q(**{name: value for name, value in columns.items() if value is not None})
