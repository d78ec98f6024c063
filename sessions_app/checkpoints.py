"""Checkpoints: the engine's state, the counters and the events of many sessions in one statement.

A client's frames are acknowledged only after the statement that stores them has committed.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, NamedTuple
from uuid import UUID

import msgspec
from psycopg.types.numeric import Int8

from sessions_app.event_counters import counts_of
from sessions_app.leases import RENEWAL, renewal
from sessions_app.limits import idle_limit

# The statement returns each attachment with the outcome of its checkpoint. A checkpoint that an
# earlier try stored is found as held once that try has committed. So one that the statement does
# not return is tried once more before it counts as lost. A session may have several checkpoints
# here, by attachments that have lost it as well. So each is stored and returned by its attachment.
#
# An attached session streams or is finalizing. The conditions are such that only the primary key
# can serve them: planned on an empty table, joins and other indexes would seem as cheap.
_STATEMENT = """
WITH given AS (
    SELECT given.*, given.engine_state_text::jsonb AS engine_state FROM unnest(
        %(session_ids)s::uuid[], %(attachment_ids)s::uuid[], %(numbers)s::bigint[],
        %(engine_states)s::text[], %(accepted_frames)s::bigint[], %(rejected_frames)s::bigint[],
        %(last_frame_seqs)s::bigint[], %(last_batch_seqs)s::bigint[],
        %(event_counts)s::bigint[], %(repetitions)s::text[], %(interrupted)s::bigint[],
        %(idle_at)s::timestamptz[]
    ) AS given (
        session_id, attachment_id, number, engine_state_text, accepted_frames, rejected_frames,
        last_frame_seq, last_batch_seq, event_count, repetitions, interrupted, idle_at
    )
),
{free}updated AS (
    UPDATE detection_session AS session
    SET checkpoint_number = given.number,
        engine_state = given.engine_state,
        engine_version = (given.engine_state #>> '{{engine,form}}')::smallint,
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
                        UNION ALL SELECT * FROM jsonb_each_text(given.repetitions::jsonb)
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
    SELECT updated.id, event.sequence, event.frame_seq, event.ts_ms, event.type,
           event.payload::jsonb
    FROM unnest(
        %(event_attachment_ids)s::uuid[], %(sequences)s::bigint[], %(frame_seqs)s::bigint[],
        %(ts_ms)s::float8[], %(types)s::text[], %(payloads)s::text[]
    ) AS event (attachment_id, sequence, frame_seq, ts_ms, type, payload)
    JOIN updated ON updated.attachment_id = event.attachment_id
)
SELECT attachment_id, 'held' FROM updated
UNION ALL
SELECT session.attachment_id,
    CASE WHEN session.checkpoint_number = given.number THEN 'held' ELSE 'due' END
FROM given{of_free}
JOIN detection_session AS session ON session.id = ANY (%(session_ids)s::uuid[])
    AND session.id = given.session_id AND session.attachment_id = given.attachment_id
WHERE session.checkpoint_number = given.number
    OR COALESCE(session.deadline_at <= %(now)s::timestamptz, FALSE)
{locked}"""
STATEMENT = _STATEMENT.format(renewal=RENEWAL, free="", of_free="", locked="")
# The same statement, which waits for no row: it locks each row first. A row that another
# transaction has locked is returned as LOCKED, and nothing of it was stored.
FREE_STATEMENT = _STATEMENT.format(
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
WHERE given.session_id NOT IN (SELECT id FROM free)
""",
)
LOCKED: Final = "locked"
_encode = msgspec.json.Encoder().encode


class Stored(StrEnum):
    """The outcome of a checkpoint. The statement returns no row for one that is lost."""

    HELD = "held"  # it is stored: the attachment holds the session
    DUE = "due"  # it is not: a deadline of the session has passed
    LOST = "lost"  # it is not: another attachment holds the session, or the session has ended


class NewEvent(NamedTuple):
    """An event to store: `sequence` counts those of the session from 1."""

    sequence: int
    frame_seq: int
    ts_ms: float
    type: str
    payload: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """The progress of a session since checkpoint `number` - 1.

    `engine_state` is JSON text. The frames are counted since that checkpoint. `last_frame_seq` and
    `last_batch_seq` are the highest of the session (0: none).
    """

    session_id: UUID
    attachment_id: UUID
    number: int
    engine_state: bytes | str
    accepted_frames: int
    rejected_frames: int
    last_frame_seq: int
    last_batch_seq: int
    last_message_at: datetime
    events: Sequence[NewEvent]


def parameters(checkpoints: Sequence[Checkpoint], now: datetime) -> dict[str, Any]:
    """The parameters of STATEMENT for `checkpoints`, at most one of an attachment."""
    events = [(one.attachment_id, event) for one in checkpoints for event in one.events]
    counts = [counts_of(one.events) for one in checkpoints]
    return {
        **renewal(now),
        "session_ids": [one.session_id for one in checkpoints],
        "attachment_ids": [one.attachment_id for one in checkpoints],
        "numbers": _bigints(one.number for one in checkpoints),
        "engine_states": [_text(one.engine_state) for one in checkpoints],
        "accepted_frames": _bigints(one.accepted_frames for one in checkpoints),
        "rejected_frames": _bigints(one.rejected_frames for one in checkpoints),
        "last_frame_seqs": _bigints(one.last_frame_seq for one in checkpoints),
        "last_batch_seqs": _bigints(one.last_batch_seq for one in checkpoints),
        "event_counts": _bigints(len(one.events) for one in checkpoints),
        "repetitions": [_text(_encode(each.repetitions)) for each in counts],
        "interrupted": _bigints(each.interrupted for each in counts),
        "idle_at": [one.last_message_at + idle_limit() for one in checkpoints],
        "event_attachment_ids": [attachment_id for attachment_id, _ in events],
        "sequences": _bigints(event.sequence for _, event in events),
        "frame_seqs": _bigints(event.frame_seq for _, event in events),
        "ts_ms": [float(event.ts_ms) for _, event in events],
        "types": [event.type for _, event in events],
        "payloads": [_text(_encode(event.payload)) for _, event in events],
    }


def _bigints(numbers: Iterable[int]) -> list[Int8]:
    """The numbers as bigint: psycopg chooses a type by size, and prepares anew for each type."""
    return [Int8(number) for number in numbers]


def _text(json: bytes | str) -> str:
    return json.decode() if isinstance(json, bytes) else json
