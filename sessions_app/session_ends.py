"""The ends of sessions, each counted once, by the process whose statement wrote it."""

import json
from collections import Counter
from functools import partial
from typing import Any, cast

import prometheus_client
from django.db import connection, transaction
from django.db.models import QuerySet
from django.db.models.sql import UpdateQuery

from sessions_app.models import LIVE_STATUSES, DetectionSession, Outcome, Status
from sessions_app.stream_state import STATE_IS_DROPPED, summary_in

_RETURNING = "RETURNING id, status, terminal_outcome, error_code, packed_state"
_DROP_STATES = """
UPDATE detection_session AS session
SET packed_state = NULL, summary = COALESCE(given.summary::jsonb, session.summary)
FROM unnest(%s::uuid[], %s::text[]) AS given (id, summary)
WHERE session.id = given.id
"""
ENDED_SESSIONS = prometheus_client.Counter(
    "kyna_sessions_ended",
    "Sessions that this server has ended, by how; error_code is empty where there is none.",
    ["outcome", "error_code"],
)
# The series exist from the start: a rate sees no first step of a series that was not there.
for _outcome, _error_code in (
    (Outcome.COMPLETED, ""),
    (Outcome.COMPLETED, "state_unreadable"),
    (Outcome.MAX_DURATION, ""),
    (Outcome.EXPIRED, "session_expired"),
    (Outcome.ABANDONED, "session_abandoned"),
    (Outcome.CANCELLED, ""),
    (Outcome.SUSPENDED, "organization_suspended"),
    (Outcome.SUSPENDED, "project_suspended"),
    (Outcome.FAILED, "runtime_error"),
):
    ENDED_SESSIONS.labels(_outcome.value, _error_code)


def ended(status: Status, outcome: object, ended_at: object, **error: str) -> dict[str, Any]:
    """The columns that an end writes to a live session; `error` is error_code and error_message."""
    return {
        "finishing_outcome": None,
        "deadline_at": None,
        "attachment_id": None,
        "lease_until": None,
        **STATE_IS_DROPPED,
        "status": status,
        "terminal_outcome": outcome,
        **error,
        "ended_at": ended_at,
    }


def update_live(sessions: QuerySet[DetectionSession], **changes: Any) -> int:
    """`sessions.update(…)` of live sessions, by one statement. Returns how many it changed.

    The statement returns those that it ended. They are counted once it has committed. Of their
    states the summaries are kept.
    """
    query = cast("UpdateQuery", sessions.query.chain(UpdateQuery))
    query.add_update_values(changes)
    statement, parameters = query.get_compiler(sessions.db).as_sql()
    with transaction.atomic(sessions.db, savepoint=False), connection.cursor() as cursor:
        cursor.execute(f"{statement} {_RETURNING}", parameters)
        changed = cursor.fetchall()
        over = [row for row in changed if row[1] not in LIVE_STATUSES]
        states = {id_: packed for id_, *_, packed in over if packed is not None}
        if states:
            summaries = [_text(summary_in(packed)) for packed in states.values()]
            cursor.execute(_DROP_STATES, [list(states), summaries])
        if over:
            ended = Counter((how, code) for _, _, how, code, _ in over)
            transaction.on_commit(partial(_count, ended))
    return len(changed)


def _text(summary: dict[str, Any] | None) -> str | None:
    return None if summary is None else json.dumps(summary)


def _count(ended: Counter[tuple[str, str | None]]) -> None:
    for (outcome, error_code), sessions in ended.items():
        ENDED_SESSIONS.labels(outcome, error_code or "").inc(sessions)
