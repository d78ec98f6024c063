"""Lists of sessions: a page at a time by its filters, from one index for each state."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import product
from typing import NamedTuple

from django.db import connection, transaction
from django.db.models import BooleanField, ExpressionWrapper, Q, QuerySet

from kynaplatform.api.keyset import Place, Row
from projects.models import Project
from sessions_app.merged_pages import OWNER, Part, page
from sessions_app.models import LIVE_STATUSES, DetectionSession, Mode, Status
from sessions_app.notes import ids_with_note
from sessions_app.session_filters import AnyOf, SessionFilters, is_among

# So many sessions are read in vain of each part.
MAX_IGNORED = 500
# Of the projects of an organization each may have as many as are met of one.
MAX_IGNORED_OF_MANY = 100
# So many are found by the first digits of their ids.
MAX_IDS = 50
# Of each that is listed: what is large, and what no list shows.
LEFT_OUT = (
    "engine_state", "resolved_version__yaml_source", "attachment_id", "checkpoint_number",
    "contract_major", "created_by", "engine_version", "finishing_outcome", "idempotency_key",
    "last_batch_seq", "last_frame_seq", "lease_until", "longest_until", "rejected_frames_total",
    "request_fingerprint", "runtime_token_expires_at", "signing_key_id", "stream_url",
)  # fmt: skip
Rows = QuerySet[DetectionSession]


class Listed(NamedTuple):
    """A page of sessions, and where its neighbours start if there are any."""

    sessions: Sequence[DetectionSession] = ()
    newer: Place | None = None
    older: Place | None = None


def sessions_list(
    filters: SessionFilters,
    *,
    start: Place | None,
    size: int,
    related: Sequence[str] = (),
    most_passed_over: int = MAX_IGNORED,
) -> Listed:
    """The `size` sessions that come next after `start`, newest first, each with what is `related`.

    Fewer, or none, where a neighbour follows all the same: see `merged_pages.page`.
    """
    if filters.organization_id:
        most_passed_over = min(most_passed_over, MAX_IGNORED_OF_MANY)
    with in_order_of_indexes():
        parts, others = _sources(filters)
        ids, *neighbours = page(
            parts,
            others,
            start=start,
            size=size,
            most_passed_over=most_passed_over,
            # By its project, and by its version.
            parts_of_a_row=2 if filters.any_of and not filters.has_owner else 1,
        )
    rows = DetectionSession.objects.filter(is_among("detection_session.id", ids)).order_by()
    rows = rows.defer(*LEFT_OUT)
    by_id = {row.id: row for row in (rows.select_related(*related) if related else rows)}
    # Someone may have ended it since its id was read, or deleted it.
    read = (by_id.get(id_) for id_ in ids)
    sessions = [one for one in read if one is not None and one.status in filters.statuses]
    return Listed(sessions, *neighbours)


@contextmanager
def in_order_of_indexes() -> Iterator[None]:
    """Let plans use an index where one gives the order.

    One that was made when there was little to sort would sort for as long as it is kept.
    """
    with transaction.atomic(savepoint=False), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('enable_sort', 'off', TRUE)")
        yield


def _sources(filters: SessionFilters) -> tuple[list[Part], Iterable[Row]]:
    """The parts that indexes give in the list's order, and the places of rows that are known."""
    if filters.ids:
        of_ids = DetectionSession.objects.filter(id__range=filters.ids).order_by("id")
        return [], _listed(of_ids, filters, MAX_IDS)
    if filters.subject:
        return [_of_subject(filters)], []
    if filters.created_by and not filters.note:
        return _of_credential(filters), []
    if filters.note and (ids := ids_with_note(filters.note)) is not None:
        noted = DetectionSession.objects.filter(is_among("detection_session.id", ids)).order_by()
        return [], _listed(noted, filters)
    has_owner = filters.has_owner or filters.any_of
    if has_owner and not (filters.status or filters.mode or filters.has_version or filters.note):
        return _of_projects(filters), []
    return _of_states(filters, filters.statuses), []


def _listed(rows: Rows, filters: SessionFilters, most: int | None = None) -> list[Row]:
    """The places of those that the filters take, of the first `most` of `rows`."""
    is_listed = ExpressionWrapper(filters.condition, BooleanField())
    looked_at = rows.values_list("created_at", "id", is_listed)[:most]
    return [(created_at, id_) for created_at, id_, is_listed in looked_at if is_listed]


def _of_subject(filters: SessionFilters) -> Part:
    """The part of a person's sessions: one index has those of all states in their order."""
    rows = DetectionSession.objects.filter(filters.in_time, subject=filters.subject)
    if filters.any_of and not filters.has_owner:
        of_projects = rows.filter(project_id=OWNER)
        return Part(of_projects, filters.any_of.projects, filters.beside_owner)
    return _of_owner(filters, rows, filters.beside_owner)


def _of_credential(filters: SessionFilters) -> list[Part]:
    """The parts of what a credential created: its own index has those that have ended."""
    ended = DetectionSession.objects.filter(
        filters.in_time, created_by=filters.created_by, deadline_at__isnull=True
    )
    listed = filters.beside_owner
    if filters.any_of:
        listed &= filters.any_of.condition
    live = [status for status in filters.statuses if status in LIVE_STATUSES]
    parts = _of_states(filters, live)
    return parts if len(live) == len(filters.statuses) else [Part(ended, listed=listed), *parts]


def _of_projects(filters: SessionFilters) -> list[Part]:
    """The parts of all states of some projects, and of named versions."""
    rows = DetectionSession.objects.filter(filters.in_time)
    if filters.any_of is None or filters.has_owner:
        return [_of_owner(filters, rows, Q())]
    of_versions = [
        _of_versions(filters.any_of, _in_state(filters, status, mode), status, Q())
        for status in Status.values
        for mode in Mode.values
    ]
    return [Part(rows.filter(project_id=OWNER), filters.any_of.projects), *of_versions]


def _of_states(filters: SessionFilters, statuses: Iterable[str]) -> list[Part]:
    """The parts of each status and mode, as indexes have them: live ones of all versions."""
    modes = [filters.mode] if filters.mode else Mode.values
    pairs = product(statuses, modes)
    return [part for status, mode in pairs for part in _of_state(filters, status, mode)]


def _of_state(filters: SessionFilters, status: str, mode: str) -> list[Part]:
    """The parts by the conditions of the one index that gives these in their order, and no other.

    They are two for what is named: of its projects, and of its versions.
    """
    rows = _in_state(filters, status, mode)
    is_live = status in LIVE_STATUSES
    listed = filters.beside_order
    if is_live:
        listed &= filters.of_versions
    if filters.any_of and not filters.has_owner:
        of_projects = rows.filter(deadline_at__isnull=not is_live, project_id=OWNER)
        return [
            Part(of_projects, filters.any_of.projects, listed),
            _of_versions(filters.any_of, rows, status, listed),
        ]
    if filters.has_owner:
        rows = rows.filter(deadline_at__isnull=not is_live)
    if filters.version_id and not is_live:
        return [Part(rows.filter(resolved_version_id=filters.version_id), listed=listed)]
    if filters.version_ids and not is_live:
        return [Part(rows.filter(resolved_version_id=OWNER), filters.versions, listed)]
    return [_of_owner(filters, rows, listed)]


def _in_state(filters: SessionFilters, status: str, mode: str) -> Rows:
    return DetectionSession.objects.filter(filters.in_time, status=status, mode=mode)


def _of_versions(any_of: AnyOf, rows: Rows, status: str, listed: Q) -> Part:
    """The part of the named versions: no index has the live sessions of one."""
    if status in LIVE_STATUSES:
        return Part(rows, listed=listed & Q(any_of.has_version))
    of_version = rows.filter(deadline_at__isnull=True, resolved_version_id=OWNER)
    return Part(of_version, any_of.versions, listed)


def _of_owner(filters: SessionFilters, rows: Rows, listed: Q) -> Part:
    if filters.any_of:
        listed &= filters.any_of.condition
    if filters.project_id:
        return Part(rows.filter(project_id=filters.project_id), listed=listed)
    if filters.organization_id:
        projects = Project.objects.filter(organization_id=filters.organization_id)
        return Part(rows.filter(project_id=OWNER), projects, listed)
    return Part(rows, listed=listed)
