"""Lists of sessions: filters, and pages by keyset cursor, newest first."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import product
from typing import Final, NamedTuple
from uuid import UUID

from django.db import connection, transaction
from django.db.models import F, Q
from django.db.models.fields.json import DataContains

from common.keyset import Cursor, KeysetPage, Way, newest
from sessions_app.indexes import Notes
from sessions_app.models import LIVE_STATUSES, DetectionSession, Mode, SessionQuerySet, Status

LIVE = "live"
UNCOUNTED = "uncounted"  # completed without a repetition
# Large columns, and those that no list shows.
UNLISTED_COLUMNS = (
    "engine_state", "resolved_version__yaml_source", "attachment_id", "checkpoint_number",
    "contract_major", "created_by", "engine_version", "finishing_outcome", "idempotency_key",
    "last_batch_seq", "last_frame_seq", "lease_until", "longest_until", "rejected_frames_total",
    "request_fingerprint", "runtime_token_expires_at", "signing_key_id", "stream_url",
)  # fmt: skip


class AnyOf(NamedTuple):
    """The sessions of these projects, and those that ran these versions: some hundreds at most."""

    project_ids: Sequence[UUID]
    version_ids: Sequence[UUID]


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionFilters:
    """The filters of a list; None means any. `created_after` and `created_before` are exclusive.

    `ids` are the first and the last id. Versions (`version_ids` are of one MoveSpec) come with
    their project unless they are the catalogue's, a credential (`created_by`) with its own. A note
    is a whole text of the metadata.
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
    def statuses(self) -> Sequence[str]:
        if self.status is None:
            return Status.values
        return {LIVE: LIVE_STATUSES, UNCOUNTED: (Status.COMPLETED,)}.get(
            self.status, (self.status,)
        )

    def rows(self) -> SessionQuerySet:
        """The sessions of the filters on columns; `parts` adds status, mode and note."""
        conditions = {
            "id__range": self.ids,
            "project__organization_id": self.organization_id,
            "project_id": self.project_id,
            "resolved_version_id": self.version_id,
            "resolved_version_id__in": self.version_ids,
            "subject": self.subject,
            "created_by": self.created_by,
            "created_at__gt": self.created_after,
            "created_at__lt": self.created_before,
        }
        rows = DetectionSession.objects.filter(
            **{name: value for name, value in conditions.items() if value is not None}
        )
        if self.any_of:
            rows = rows.filter(
                Q(project_id__in=self.any_of.project_ids)
                | Q(resolved_version_id__in=self.any_of.version_ids)
            )
        if self.status == UNCOUNTED:
            rows = rows.filter(repetitions={})
        return rows

    def parts(self) -> list[SessionQuerySet]:
        """The sessions, split into querysets that each read one index in newest-first order."""
        rows, is_few = self.rows(), bool(self.ids or self.subject)
        if self.note:
            # A common value is applied as a filter on the ordered scan.
            noted = ids_with_note(self.note)
            has_note = Q(DataContains(Notes(F("metadata")), [self.note]))
            rows = rows.filter(has_note if noted is None else Q(id__in=noted))
            is_few = is_few or noted is not None
        if is_few or self.created_by:
            if self.status:
                rows = rows.filter(status__in=self.statuses)
            if self.mode:
                rows = rows.filter(mode=self.mode)
            return [rows] if is_few else [rows.ended(), rows.live()]
        has_version = self.version_id or self.version_ids is not None
        if self.project_id and not (self.status or self.mode or has_version or self.note):
            return [rows]
        states = product(self.statuses, [self.mode] if self.mode else Mode.values)
        return [
            (rows.live() if status in LIVE_STATUSES else rows.ended()).filter(
                status=status, mode=mode
            )
            for status, mode in states
        ]


def sessions_list(
    filters: SessionFilters, *, start: Cursor | None, size: int, related: Sequence[str] = ()
) -> KeysetPage:
    """The `size` sessions after `start`, newest first, each with its `related` rows."""
    onward: Way = start.towards if start else "older"
    is_forward = onward == "older"
    parts = (part.filter(start.rows) if start else part for part in filters.parts())
    keys = (part.values_list("created_at", "id") for part in parts)
    found = list(newest(keys, size + 1, onward))
    shown = found[:size]
    # By the ids only: a join with the parts would read the rows of whole projects.
    rows = DetectionSession.objects.filter(
        id__in=[id_ for _, id_ in shown], status__in=filters.statuses
    )
    if related:
        rows = rows.select_related(*related)
    sessions = list(rows.order_by("-created_at", "-id").defer(*UNLISTED_COLUMNS))
    before = Cursor("newer" if is_forward else "older", *shown[0]) if start and shown else None
    after = Cursor(onward, *shown[-1]) if len(found) > size else None
    return KeysetPage(sessions, *((before, after) if is_forward else (after, before)))


# The index finds a note that at most so many sessions have.
MAX_WITH_A_NOTE: Final = 1_000
# A GIN index returns all its rows at once: above this, PostgreSQL returns about so many at random.
_MAX_OF_INDEX: Final = 5 * MAX_WITH_A_NOTE
_WITH_NOTE = """
    SELECT id FROM detection_session
    WHERE metadata IS NOT NULL AND jsonb_path_query_array(metadata, '$.*') @> %(note)s::jsonb
"""
# MATERIALIZED parts are planned without the limit, which the planner would else try to reach by
# reading the whole table.
_STATEMENT = f"""
WITH ended AS MATERIALIZED ({_WITH_NOTE} AND deadline_at IS NULL),
     live AS MATERIALIZED ({_WITH_NOTE} AND deadline_at IS NOT NULL)
SELECT id FROM (SELECT id FROM ended UNION ALL SELECT id FROM live) AS found LIMIT %(most)s
"""  # noqa: S608


def ids_with_note(note: str) -> list[UUID] | None:
    """The sessions that have this note; None where they are more than MAX_WITH_A_NOTE."""
    with transaction.atomic(savepoint=False), connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('gin_fuzzy_search_limit', %s, TRUE)", [str(_MAX_OF_INDEX)]
        )
        cursor.execute(_STATEMENT, {"note": json.dumps([note]), "most": MAX_WITH_A_NOTE + 1})
        found = [id_ for (id_,) in cursor.fetchall()]
    return found if len(found) <= MAX_WITH_A_NOTE else None
