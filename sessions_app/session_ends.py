"""The ends of sessions, each counted once, by the process whose statement wrote it."""

import json
from collections import Counter
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final, cast

import prometheus_client
from django.db import connection, transaction
from django.db.models import QuerySet
from django.db.models.sql import UpdateQuery

from common.slices import SLICE, update_in_slices
from kynaplatform.logs import served_request_id
from sessions_app.models import LIVE_STATUSES, DetectionSession, Mode, Outcome, Status
from sessions_app.stream_state import STATE_IS_DROPPED, SUMMARY, summary_in

_KEEP_SUMMARIES = """
UPDATE detection_session AS session
SET summary = given.summary::jsonb
FROM unnest(%s::uuid[], %s::text[]) AS given (id, summary)
WHERE session.id = ANY (%s::uuid[]) AND session.id = given.id
"""
_AND_RETURN: Final = """
AND (SELECT set_config('kyna.request_id', %s, true)) IS NOT NULL
RETURNING status, terminal_outcome, error_code
"""
# Code of the release before runs beside this one during an upgrade, or on the way back.
_MADE_WITHIN: Final = timedelta(days=2)
_ENDED_STATUSES: Final = [status for status in Status if status not in LIVE_STATUSES]
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

    The statement returns those that it ended. They are counted once it has committed. Of the states
    that an end drops the summaries are stored before, so that whatever the end triggers has them.
    """
    query = cast("UpdateQuery", sessions.query.chain(UpdateQuery))
    query.add_update_values(changes)
    statement, parameters = query.get_compiler(sessions.db).as_sql()
    with transaction.atomic(sessions.db, savepoint=False), connection.cursor() as cursor:
        if changes.get("summary") is SUMMARY:
            _keep_summaries(sessions)
        cursor.execute(f"{statement}{_AND_RETURN}", [*parameters, served_request_id.get()])
        changed = cursor.fetchall()
        ended = Counter((how, code) for status, how, code in changed if status not in LIVE_STATUSES)
        if ended:
            transaction.on_commit(partial(_count, ended))
    return len(changed)


def leftover_states_drop(*, now: datetime, slice_size: int = SLICE) -> int:
    """Drop the states that code of the release before leaves as it ends sessions, as others do.

    Their summaries are kept. The sessions of the last two days are looked at, by an index of
    statuses: none may be on what checkpoints write. Returns how many states it dropped.
    """
    left = DetectionSession.objects.filter(
        status__in=_ENDED_STATUSES,
        mode__in=Mode.values,
        created_at__gte=now - _MADE_WITHIN,
        deadline_at__isnull=True,
        packed_state__isnull=False,
    )

    def drop(ids: list[Any]) -> None:
        ended = DetectionSession.objects.filter(id__in=ids)
        _keep_summaries(ended.filter(summary__isnull=True))
        ended.update(packed_state=None)

    return update_in_slices(left.order_by(), drop, slice_size)


def _keep_summaries(sessions: QuerySet[DetectionSession]) -> None:
    """Store what the states of the sessions tell, whose rows stay locked.

    All are locked, in the order of their ids, so that two ends of several don't wait crosswise.
    """
    locked = sessions.order_by("id").select_for_update(no_key=True)
    found = {
        id_: summary_in(bytes(state))
        for id_, state in locked.values_list("id", "packed_state")
        if state is not None
    }
    told = {id_: json.dumps(summary) for id_, summary in found.items() if summary is not None}
    if told:
        with connection.cursor() as cursor:
            cursor.execute(_KEEP_SUMMARIES, [list(told), list(told.values()), list(told)])


def _count(ended: Counter[tuple[str, str | None]]) -> None:
    for (outcome, error_code), sessions in ended.items():
        ENDED_SESSIONS.labels(outcome, error_code or "").inc(sessions)
