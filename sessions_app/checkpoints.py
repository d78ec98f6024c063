"""Checkpoints: the engine's state, the counters and the events of many sessions in one statement.

A client's frames are acknowledged only after the statement that stores them has committed.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, NamedTuple
from uuid import UUID

import msgspec

from detection import SNAPSHOT_FORM
from sessions_app.leases import RENEWAL, renewal
from sessions_app.models import DetectionEvent, EventType
from sessions_app.session_ends import idle_limit

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
        interrupted bigint, idle_at timestamptz
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


class Counts(NamedTuple):
    repetitions: dict[str, int]
    interrupted: int


def counts_of(events: "Iterable[NewEvent | DetectionEvent]") -> Counts:
    repetitions: Counter[str] = Counter()
    interrupted = 0
    for event in events:
        if event.type == EventType.EVENT_COMPLETED:
            repetitions[event.payload["event_key"]] += 1
        interrupted += event.type == EventType.EVENT_INTERRUPTED
    return Counts(dict(repetitions), interrupted)


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
    highest of the session (0: none).
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
        counts = counts_of(one.events)
        rows.append(
            {
                "session_id": one.session_id,
                "attachment_id": one.attachment_id,
                "number": one.number,
                "state_at": state_at,
                "state_length": len(one.packed_state),
                "engine_version": one.engine_version,
                "accepted_frames": one.accepted_frames,
                "rejected_frames": one.rejected_frames,
                "last_frame_seq": one.last_frame_seq,
                "last_batch_seq": one.last_batch_seq,
                "event_count": len(one.events),
                "repetitions": counts.repetitions,
                "interrupted": counts.interrupted,
                "idle_at": one.last_message_at + idle_after,
            }
        )
        state_at += len(one.packed_state)
        events += [{"attachment_id": one.attachment_id, **event._asdict()} for event in one.events]
    return {
        **renewal(now),
        "session_ids": [one.session_id for one in checkpoints],
        "packed_states": b"".join(one.packed_state for one in checkpoints),
        "checkpoints": _encode(rows).decode(),
        "events": _encode(events).decode(),
    }
