"""What a runtime stores of its sessions: checkpoints and leases, behind the fence.

docs/decisions/stored-frames.md and session-life.md say why.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, NamedTuple
from uuid import UUID

import msgspec
from django.db import connection
from django.db.models import Q

from detection import SNAPSHOT_FORM
from kynaplatform import clock
from kynaplatform.timing import FINALIZING_GRACE, IDLE_MARGIN, IDLE_SLACK, LEASE
from sessions_app.downtime import make_up_for_downtime
from sessions_app.models import DetectionEvent, DetectionSession, EventType, Status
from sessions_app.session_ends import idle_limit, settle, settle_in_slices, update_live

# What a renewal sets, from `given` and the parameters of `renewal`. The deadline is indexed, so it
# is written only when the stored one would be early: most checkpoints touch no index (they are
# heap-only updates).
RENEWAL = """lease_until = %(lease_until)s::timestamptz,
        deadline_at = CASE
            WHEN session.status = 'finalizing' OR given.is_target_reached
                THEN %(finalizing_deadline)s::timestamptz
            WHEN session.deadline_at >= given.idle_at + %(idle_margin)s::interval
                THEN session.deadline_at
            ELSE LEAST(session.longest_until, given.idle_at + %(idle_slack)s::interval)
        END"""
# A row locked by a checkpoint is not updated here, because the checkpoint renews it, but it is
# returned: the statement returns every attachment that had its session in the statement's snapshot.
# Only the primary key can serve the conditions, as below.
_RENEW = f"""
WITH attached AS (
    SELECT session.id, given.attachment_id, given.idle_at
    FROM unnest(
        %(session_ids)s::uuid[], %(attachment_ids)s::uuid[], %(idle_at)s::timestamptz[]
    ) AS given (session_id, attachment_id, idle_at)
    JOIN detection_session AS session ON session.id = ANY (%(session_ids)s::uuid[])
        AND session.id = given.session_id AND session.attachment_id = given.attachment_id
    WHERE COALESCE(session.deadline_at > %(now)s::timestamptz, FALSE)
),
free AS (
    SELECT session.id, attached.idle_at, FALSE AS is_target_reached
    FROM attached
    JOIN detection_session AS session ON session.id = ANY (%(session_ids)s::uuid[])
        AND session.id = attached.id AND session.attachment_id = attached.attachment_id
    FOR NO KEY UPDATE OF session SKIP LOCKED
),
renewed AS (
    UPDATE detection_session AS session
    SET {RENEWAL}
    FROM free AS given
    WHERE session.id = ANY (%(session_ids)s::uuid[]) AND session.id = given.id
)
SELECT attachment_id, clock_timestamp() FROM attached
"""  # noqa: S608


class Attachment(NamedTuple):
    """An attachment of a runtime, and the time of its client's last message."""

    session_id: UUID
    attachment_id: UUID
    last_message_at: datetime


def renewal(now: datetime) -> dict[str, Any]:
    """The parameters of a statement that renews by RENEWAL."""
    return {
        "now": now,
        "lease_until": now + LEASE,
        "finalizing_deadline": now + LEASE + FINALIZING_GRACE,
        "idle_margin": IDLE_MARGIN,
        "idle_slack": IDLE_SLACK,
    }


def leases_renew(*, attachments: Sequence[Attachment], now: datetime) -> set[UUID]:
    """Renew the leases of one runtime's attachments. Returns those that still have their session.

    It moves the idle deadlines as well: a client that only pings is not idle.
    """
    make_up_for_downtime(now)
    renewed = _renew(attachments, now)
    # A session at its maximum length is finalizing now, and still attached.
    missing = [one for one in attachments if one.attachment_id not in renewed]
    if missing:
        mine = DetectionSession.objects.filter(
            id__in=[one.session_id for one in missing],
            attachment_id__in=[one.attachment_id for one in missing],
        )
        if settle_in_slices(mine, now, len(missing)):
            renewed |= _renew(missing, now)
    return renewed


def _renew(given: Sequence[Attachment], now: datetime) -> set[UUID]:
    parameters = {
        **renewal(now),
        "session_ids": [one.session_id for one in given],
        "attachment_ids": [one.attachment_id for one in given],
        "idle_at": [one.last_message_at + idle_limit() for one in given],
    }
    with connection.cursor() as cursor:
        asked_at = clock.ticks()
        cursor.execute(_RENEW, parameters)
        rows = cursor.fetchall()
    if rows:
        clock.measured(rows[-1][-1], asked_at)
    return {attachment_id for attachment_id, _ in rows}


class AttachmentLost(Exception):
    """The attachment has lost the session: to a newer one, or the session has ended."""


def update_attached(
    session_id: UUID, attachment_id: UUID, now: datetime, /, *guards: Q, **changes: Any
) -> None:
    """Change the session that `attachment_id` has. Raises AttachmentLost.

    If no row matches, a passed deadline is settled and the change is tried again: at its maximum
    length the session is finalizing but still attached, and a downtime has extended the deadline.
    """
    mine = DetectionSession.objects.filter(id=session_id, attachment_id=attachment_id)
    attached = mine.filter(
        *guards, status__in=(Status.STREAMING, Status.FINALIZING), deadline_at__gt=now
    )
    if update_live(attached, **changes):
        return
    settle(mine, now)
    if not update_live(attached, **changes):
        raise AttachmentLost


# --- Checkpoints --------------------------------------------------------------------------

# The statement returns each attachment with the outcome of its checkpoint. It is idempotent: a
# retry of a committed checkpoint returns STORED. A missing row may mean that the snapshot predates
# that commit, so the caller retries once before it reports the checkpoint as lost. A session may
# have several checkpoints here, also by attachments that have lost it, so each is stored and
# returned by its attachment.
#
# An attached session streams or is finalizing. Only the primary key can serve the conditions:
# planned on an empty table, joins and other indexes would seem as cheap.
_STATEMENT = """
WITH given AS (
    SELECT given.*, substring(
        %(packed_states)s::bytea FROM given.state_at FOR given.state_length
    ) AS packed_state
    FROM jsonb_to_recordset(%(checkpoints)s::jsonb) AS given (
        session_id uuid, attachment_id uuid, number bigint, state_at integer, state_length integer,
        engine_version smallint, accepted_frames bigint, rejected_frames bigint,
        last_frame_seq bigint, last_batch_seq bigint, event_count bigint, repetitions jsonb,
        interrupted bigint, is_target_reached boolean, idle_at timestamptz
    )
),
{free}updated AS (
    UPDATE detection_session AS session
    SET checkpoint_number = given.number,
        packed_state = given.packed_state,
        engine_state = NULL,
        engine_version = given.engine_version,
        is_state_unreadable = FALSE,
        accepted_frames_total = session.accepted_frames_total + given.accepted_frames,
        rejected_frames_total = session.rejected_frames_total + given.rejected_frames,
        events_total = session.events_total + given.event_count,
        counted_events_total = session.counted_events_total + given.event_count,
        interrupted_total = session.interrupted_total + given.interrupted,
        repetitions = CASE
            WHEN given.repetitions = '{{}}' THEN session.repetitions
            ELSE (
                SELECT jsonb_object_agg(summed.key, summed.count) FROM (
                    SELECT key, sum(value::bigint)::bigint AS count FROM (
                        SELECT * FROM jsonb_each_text(session.repetitions)
                        UNION ALL SELECT * FROM jsonb_each_text(given.repetitions)
                    ) AS counted GROUP BY key
                ) AS summed
            )
        END,
        last_frame_seq = GREATEST(session.last_frame_seq, given.last_frame_seq),
        last_batch_seq = GREATEST(session.last_batch_seq, given.last_batch_seq),
        status = CASE WHEN given.is_target_reached THEN 'finalizing' ELSE session.status END,
        finishing_outcome = CASE
            WHEN given.is_target_reached THEN COALESCE(session.finishing_outcome, 'completed')
            ELSE session.finishing_outcome
        END,
        ended_by = CASE
            WHEN given.is_target_reached AND session.status = 'streaming' THEN 'target'
            ELSE session.ended_by
        END,
        {renewal}
    FROM given{of_free}
    WHERE session.id = ANY (%(session_ids)s::uuid[]) AND session.id = given.session_id
        AND session.attachment_id = given.attachment_id
        AND session.checkpoint_number = given.number - 1
        AND COALESCE(session.deadline_at > %(now)s::timestamptz, FALSE)
    RETURNING session.id, session.attachment_id
),
stored AS (
    INSERT INTO detection_event (session_id, sequence, frame_seq, ts_ms, type, payload)
    SELECT updated.id, event.sequence, event.frame_seq, event.ts_ms, event.type, event.payload
    FROM jsonb_to_recordset(%(events)s::jsonb) AS event (
        attachment_id uuid, sequence bigint, frame_seq bigint, ts_ms float8, type text,
        payload jsonb
    )
    JOIN updated ON updated.attachment_id = event.attachment_id
)
SELECT attachment_id, 'stored' FROM updated
UNION ALL
SELECT session.attachment_id,
    CASE WHEN session.checkpoint_number = given.number THEN 'stored' ELSE 'due' END
FROM given{of_free}
JOIN detection_session AS session ON session.id = ANY (%(session_ids)s::uuid[])
    AND session.id = given.session_id AND session.attachment_id = given.attachment_id
WHERE session.checkpoint_number = given.number
    OR COALESCE(session.deadline_at <= %(now)s::timestamptz, FALSE)
{locked}"""
STATEMENT = _STATEMENT.format(renewal=RENEWAL, free="", of_free="", locked="")
# The same statement without waiting: it locks each row first, and returns those that another
# transaction has locked as LOCKED, with nothing stored.
SKIP_LOCKED_STATEMENT = _STATEMENT.format(
    renewal=RENEWAL,
    free="""free AS (
    SELECT session.id
    FROM detection_session AS session
    WHERE session.id = ANY (%(session_ids)s::uuid[])
    FOR NO KEY UPDATE SKIP LOCKED
),
""",
    of_free=" JOIN free ON free.id = given.session_id",
    locked="""UNION ALL
SELECT given.attachment_id, 'locked'
FROM given
WHERE given.session_id NOT IN (SELECT id FROM free) AND given.session_id IN (
    SELECT id FROM detection_session WHERE id = ANY (%(session_ids)s::uuid[])
)
""",
)
LOCKED: Final = "locked"
_encode = msgspec.json.Encoder().encode


def counts_of(events: "Sequence[NewEvent | DetectionEvent]") -> tuple[Counter[str], int]:
    """The completed repetitions by event_key, and the number of interrupted ones."""
    repetitions: Counter[str] = Counter()
    interrupted = 0
    for event in events:
        if event.type == EventType.EVENT_COMPLETED:
            repetitions[event.payload["event_key"]] += 1
        interrupted += event.type == EventType.EVENT_INTERRUPTED
    return repetitions, interrupted


class CheckpointOutcome(StrEnum):
    """The outcome of a checkpoint. The statement returns no row for one that is lost."""

    STORED = "stored"  # the attachment has the session
    DUE = "due"  # not stored: a deadline of the session has passed
    LOST = "lost"  # not stored: another attachment has the session, or it has ended


class NewEvent(NamedTuple):
    """An event to store: `sequence` counts those of the session from 1."""

    sequence: int
    frame_seq: int
    ts_ms: float
    type: str
    payload: dict[str, Any]


class Checkpoint(msgspec.Struct, frozen=True, kw_only=True):
    """The progress of a session since checkpoint `number` - 1.

    `packed_state` is for an engine of `engine_version`, and has the summary of all frames so far.
    The frames are counted since that checkpoint. `last_frame_seq` and `last_batch_seq` are the
    highest of the session (0: none). One that reaches the session's target makes it finalizing.
    """

    session_id: UUID
    attachment_id: UUID
    number: int
    packed_state: bytes
    engine_version: int | None = SNAPSHOT_FORM
    accepted_frames: int
    rejected_frames: int
    last_frame_seq: int
    last_batch_seq: int
    is_target_reached: bool = False
    last_message_at: datetime
    events: Sequence[NewEvent]


def parameters(checkpoints: Sequence[Checkpoint], now: datetime) -> dict[str, Any]:
    """The parameters of STATEMENT for `checkpoints`, at most one of an attachment.

    Binding a list for each column would take the event loop ten times as long.
    """
    idle_after = idle_limit()
    rows, events = [], []
    state_at = 1
    for one in checkpoints:
        row = msgspec.structs.asdict(one)
        del row["packed_state"], row["events"]
        row["repetitions"], row["interrupted"] = counts_of(one.events)
        row["event_count"] = len(one.events)
        row["idle_at"] = row.pop("last_message_at") + idle_after
        row["state_at"], row["state_length"] = state_at, len(one.packed_state)
        rows.append(row)
        state_at += len(one.packed_state)
        events += [{"attachment_id": one.attachment_id, **event._asdict()} for event in one.events]
    return {
        **renewal(now),
        "session_ids": [one.session_id for one in checkpoints],
        "packed_states": b"".join(one.packed_state for one in checkpoints),
        "checkpoints": _encode(rows).decode(),
        "events": _encode(events).decode(),
    }
