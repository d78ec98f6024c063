"""Lists of sessions: what is asked, a page at a time, from one index for each stored state.

A status means what the sweep would have written by `now`. What is overdue is read by its deadline
while that is little, as it is while the sweep runs. When it is much, it is sought among the live
sessions in the list's order, and the page ends where that takes long.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection, transaction
from django.db.models import BooleanField, Q, QuerySet
from django.db.models.expressions import RawSQL

from kynaplatform.api.pagination import Row
from projects.models import Project
from sessions_app.deadlines import COMES_FROM, apply_deadlines, as_due, has_status, is_due
from sessions_app.keyset import OWNER, OfOwners, Part, Place, Sought, page
from sessions_app.models import LIVE_STATUSES, DetectionSession, Mode, Status

# So many sessions are read in vain: of what is overdue, and of each live state.
MOST_PASSED_OVER = 500
# Of the projects of an organization each may have as many as are met of one.
MOST_PASSED_OVER_OF_MANY = 100
# So many are found by the first digits of their ids.
MOST_OF_IDS = 50
LIVE = "live"
Rows = QuerySet[DetectionSession]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Which sessions; None is any. A version comes with its project, which its sessions are all of.

    `ids` are the first and the last. A project comes without its organization. The moments
    themselves are excluded.
    """

    ids: tuple[UUID, UUID] | None = None
    organization_id: UUID | None = None
    project_id: UUID | None = None
    version_id: UUID | None = None
    status: str | None = None
    mode: str | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None

    @property
    def statuses(self) -> tuple[str, ...]:
        """The stored or due states that are asked for; LIVE is those that have not ended."""
        if self.status is None:
            return tuple(Status.values)
        return LIVE_STATUSES if self.status == LIVE else (self.status,)

    def takes(self, session: Any) -> bool:
        """Of one with its `now_status`."""
        wanted = (
            (self.organization_id, session.project__organization_id),
            (self.project_id, session.project_id),
            (self.version_id, session.resolved_version_id),
            (self.mode, session.mode),
        )
        return (
            all(one is None or one == found for one, found in wanted)
            and session.now_status in self.statuses
            and (self.created_after is None or session.created_at > self.created_after)
            and (self.created_before is None or session.created_at < self.created_before)
        )


class Listed(NamedTuple):
    """A page of sessions as they are by now, and where its neighbours start if there are any."""

    sessions: Sequence[DetectionSession] = ()
    newer: Place | None = None
    older: Place | None = None


def sessions_list(
    asked: Asked,
    *,
    now: datetime,
    start: Place | None,
    size: int,
    related: Sequence[str] = (),
    most_passed_over: int = MOST_PASSED_OVER,
) -> Listed:
    """The `size` sessions that come next after `start`, newest first, each with what is `related`.

    Fewer, or none, where a neighbour follows all the same: see `keyset.page`.
    """
    if asked.organization_id:
        most_passed_over = min(most_passed_over, MOST_PASSED_OVER_OF_MANY)
    with _in_order_of_indexes():
        parts, sought, others = _sources(asked, now, most_passed_over)
        found = page(
            parts, sought, others, start=start, size=size, most_passed_over=most_passed_over
        )
    # One statement for any number of ids: `IN` would be another for each, and planned anew.
    is_found = RawSQL("detection_session.id = ANY (%s::uuid[])", [found.ids], BooleanField())
    rows = DetectionSession.objects.filter(is_found).order_by()
    rows = rows.defer("engine_state", "resolved_version__yaml_source")
    by_id = {row.id: row for row in (rows.select_related(*related) if related else rows)}
    apply_deadlines(by_id.values(), now)
    # Someone may have ended it since its id was read.
    sessions = [by_id[id_] for id_ in found.ids if by_id[id_].status in asked.statuses]
    return Listed(sessions, found.newer, found.older)


@contextmanager
def _in_order_of_indexes() -> Iterator[None]:
    """Where an index gives the order, a plan uses it.

    One that was made when there was little to sort would sort for as long as it is kept.
    """
    with transaction.atomic(savepoint=False), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('enable_sort', 'off', TRUE)")
        yield


def _sources(
    asked: Asked, now: datetime, most_passed_over: int
) -> tuple[list[Part], list[Sought], Iterable[Row]]:
    """What an index tells, what is looked at one by one, and what is known already."""
    if asked.ids:
        of_ids = DetectionSession.objects.filter(id__range=asked.ids).order_by("id")
        return [], [], _places(asked, _status_as_of(of_ids, now)[:MOST_OF_IDS])
    if asked.status is None and asked.version_id is None:
        return _of_any_status(asked), [], []
    ended = [status for status in asked.statuses if status not in LIVE_STATUSES]
    live = [status for status in asked.statuses if status in LIVE_STATUSES]
    overdue: Sequence[Any] = ()
    if asked.status in COMES_FROM:
        due = DetectionSession.objects.filter(is_due(now)).order_by("deadline_at")
        overdue = list(_status_as_of(due, now)[: most_passed_over + 1])
        if len(overdue) > most_passed_over:
            live += COMES_FROM[asked.status]
            overdue = ()
    listed = has_status(asked.statuses, now) if asked.status else Q()
    if asked.version_id:
        listed &= Q(resolved_version_id=asked.version_id)
    sought = [Sought(part, listed) for part in _of_states(asked, live)]
    return _of_states(asked, ended), sought, _places(asked, overdue)


def _status_as_of(rows: Rows, now: datetime) -> QuerySet[Any]:
    """What `Asked.takes` reads."""
    as_of: QuerySet[Any] = rows.annotate(now_status=as_due(now)["status"])
    names = ("id", "created_at", "project_id", "resolved_version_id", "mode", "now_status")
    return as_of.values_list(*names, "project__organization_id", named=True)


def _places(asked: Asked, sessions: Iterable[Any]) -> list[Row]:
    return [(session.created_at, session.id) for session in sessions if asked.takes(session)]


def _of_any_status(asked: Asked) -> list[Part]:
    if asked.mode is None and (asked.project_id or asked.organization_id):
        return [_of_owner(asked, _in_time(asked))]
    return _of_states(asked, Status.values)


def _of_states(asked: Asked, statuses: Iterable[str]) -> list[Part]:
    """Those of each stored status and mode, as an index has them: of live ones, all versions."""
    return [
        _of_state(asked, status, mode)
        for status in statuses
        for mode in ([asked.mode] if asked.mode else Mode.values)
    ]


def _of_state(asked: Asked, status: str, mode: str) -> Part:
    """By the conditions of the one index that gives these in their order, and of no other."""
    rows = _in_time(asked).filter(status=status, mode=mode)
    is_live = status in LIVE_STATUSES
    if asked.project_id or asked.organization_id:
        rows = rows.filter(deadline_at__isnull=not is_live)
    if asked.version_id and not is_live:
        return rows.filter(resolved_version_id=asked.version_id)
    return _of_owner(asked, rows)


def _of_owner(asked: Asked, rows: Rows) -> Part:
    if asked.project_id:
        return rows.filter(project_id=asked.project_id)
    if asked.organization_id:
        projects = Project.objects.filter(organization_id=asked.organization_id)
        return OfOwners(rows.filter(project_id=OWNER), projects)
    return rows


def _in_time(asked: Asked) -> Rows:
    rows = DetectionSession.objects.all()
    if asked.created_after:
        rows = rows.filter(created_at__gt=asked.created_after)
    return rows.filter(created_at__lt=asked.created_before) if asked.created_before else rows
