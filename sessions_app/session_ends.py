"""How sessions end: the limits, the deadlines, and the statement that writes and counts each end.

Where this process's engine can't read a session's state, the session waits READER_GRACE, until its
deadline, for a process that can (`unreadable_since`). Then it completes on what is counted.
"""

import json
from datetime import datetime, timedelta
from typing import Any, Final, cast
from uuid import UUID

import prometheus_client
from django.conf import settings
from django.db import connection, transaction
from django.db.models import Case, F, Field, Q, QuerySet, Value, When
from django.db.models.expressions import Combinable
from django.db.models.functions import Coalesce, Least
from django.db.models.sql import UpdateQuery

from common.slices import SLICE, update_in_slices
from kynaplatform.logs import served_request_id
from kynaplatform.timing import FINALIZING_GRACE, IDLE_SLACK, READER_GRACE
from projects.models import Project
from sessions_app.downtime import make_up_for_downtime
from sessions_app.models import (
    LIVE_STATUSES,
    DetectionSession,
    Mode,
    Outcome,
    SessionQuerySet,
    Status,
)
from sessions_app.stream_state import STATE_COLUMNS, SUMMARY, summary_in

SESSION_EXPIRED = "session_expired"
SESSION_ABANDONED = "session_abandoned"
STATE_UNREADABLE = "state_unreadable"
RUNTIME_ERROR = "runtime_error"
MESSAGES: Final = {
    SESSION_EXPIRED: "No runtime attached within the attach window.",
    SESSION_ABANDONED: "The client sent nothing within the idle limit.",
    STATE_UNREADABLE: "No detection engine could read the session's stored state.",
    RUNTIME_ERROR: "The detection engine failed.",
}
_SUMMARIES_STORE = """
UPDATE detection_session AS session
SET summary = given.summary::jsonb
FROM unnest(%s::uuid[], %s::text[]) AS given (id, summary)
WHERE session.id = ANY (%s::uuid[]) AND session.id = given.id
"""
_AND_RETURN: Final = """
AND (SELECT set_config('kyna.request_id', %s, true)) IS NOT NULL
RETURNING status, terminal_outcome, error_code
"""
# In an upgrade or rollback the previous release may end sessions that were created this recently.
_MADE_WITHIN: Final = timedelta(days=2)
ENDED_SESSIONS = prometheus_client.Counter(
    "kyna_sessions_ended",
    "Sessions that this server has ended, by how; error_code is empty where there is none.",
    ["outcome", "error_code"],
)
# The series exist from the start: a rate sees no first step of a series that was not there.
for _outcome, _error_code in (
    (Outcome.COMPLETED, ""),
    (Outcome.COMPLETED, STATE_UNREADABLE),
    (Outcome.MAX_DURATION, ""),
    (Outcome.EXPIRED, SESSION_EXPIRED),
    (Outcome.ABANDONED, SESSION_ABANDONED),
    (Outcome.CANCELLED, ""),
    (Outcome.SUSPENDED, "organization_suspended"),
    (Outcome.SUSPENDED, "project_suspended"),
    (Outcome.FAILED, RUNTIME_ERROR),
):
    ENDED_SESSIONS.labels(_outcome.value, _error_code)


def idle_limit() -> timedelta:
    """The longest time that a client may send nothing."""
    return timedelta(seconds=settings.SESSION_IDLE_SECONDS)


def max_session(project: Project) -> timedelta:
    """The longest time from the first attach to the end."""
    longest: int = settings.SESSION_MAX_SECONDS
    return timedelta(seconds=min(project.session_seconds or longest, longest))


def max_events(project: Project) -> int:
    """The number of a session's events after which only outcomes are kept."""
    return project.session_events or settings.SESSION_MAX_EVENTS


def ended(
    status: Status, outcome: object, ended_at: object, code: str | None = None, message: str = ""
) -> dict[str, Any]:
    """The columns that an end writes to a live session. A `code` of MESSAGES has its message."""
    error = {"error_code": code, "error_message": message or MESSAGES[code]} if code else {}
    emptied = ("finishing_outcome", "deadline_at", "attachment_id", "lease_until", *STATE_COLUMNS)
    return {
        **dict.fromkeys(emptied),
        # A state has no use after the end, but its summary has: `update_live` has stored that.
        "summary": SUMMARY,
        "status": status,
        "terminal_outcome": outcome,
        **error,
        "ended_at": ended_at,
    }


def update_live(sessions: QuerySet[DetectionSession], **changes: Any) -> int:
    """`sessions.update(…)` of live sessions, by one statement. Returns how many it changed.

    Those that the statement ended are counted once it has committed. The summaries of states that
    an end drops are stored before, so that triggers of the end find them.
    """
    query = cast("UpdateQuery", sessions.query.chain(UpdateQuery))
    query.add_update_values(changes)
    statement, parameters = query.get_compiler(sessions.db).as_sql()
    with transaction.atomic(sessions.db, savepoint=False), connection.cursor() as cursor:
        if changes.get("summary") is SUMMARY:
            _store_summaries(sessions)
        cursor.execute(f"{statement}{_AND_RETURN}", [*parameters, served_request_id.get()])
        changed = cursor.fetchall()
        for status, outcome, error_code in changed:
            if status not in LIVE_STATUSES:
                transaction.on_commit(ENDED_SESSIONS.labels(outcome, error_code or "").inc)
    return len(changed)


def _store_summaries(sessions: QuerySet[DetectionSession]) -> None:
    """Store the summaries of the sessions' states, whose rows stay locked.

    All are locked in the order of their ids, so that two ends of several sessions don't deadlock.
    """
    locked = sessions.order_by("id").select_for_update(no_key=True)
    found = {
        id_: json.dumps(summary)
        for id_, state in locked.values_list("id", "packed_state")
        if state is not None and (summary := summary_in(bytes(state))) is not None
    }
    if found:
        with connection.cursor() as cursor:
            cursor.execute(_SUMMARIES_STORE, [list(found), list(found.values()), list(found)])


def leftover_states_drop(*, now: datetime, slice_size: int = SLICE) -> int:
    """Drop the states that the release before leaves as it ends sessions. Returns how many.

    Their summaries are kept. An index of statuses finds the sessions of the last two days: an index
    of states would be written by each checkpoint.
    """
    left = DetectionSession.objects.ended().filter(
        status__in=[status for status in Status if status not in LIVE_STATUSES],
        mode__in=Mode.values,
        created_at__gte=now - _MADE_WITHIN,
        packed_state__isnull=False,
    )

    def drop(ids: list[UUID]) -> None:
        ended = DetectionSession.objects.filter(id__in=ids)
        _store_summaries(ended.filter(summary__isnull=True))
        ended.update(packed_state=None)

    return update_in_slices(left.order_by(), drop, slice_size)


def settle(one: SessionQuerySet, now: datetime) -> None:
    """Write the passed deadline of one session, unless an engine must finish it."""
    make_up_for_downtime(now)
    if not _end(one, now):
        sessions_await_reader(one.unread(now), now)


def settle_in_slices(rows: SessionQuerySet, now: datetime, slice_size: int) -> int:
    """The same of many sessions, in short transactions. Returns how many it changed."""
    make_up_for_downtime(now)

    def change(ids: list[UUID]) -> None:
        some = DetectionSession.objects.filter(id__in=ids)
        if _end(some, now) < len(ids):
            sessions_await_reader(some.unread(now), now)

    return update_in_slices(rows.to_settle(now), change, slice_size)


def _end(sessions: SessionQuerySet, now: datetime) -> int:
    """End the sessions that need no engine. `ended_at` is the deadline, however late that is.

    A session whose runtime is to finish it becomes finalizing, and keeps its state.
    """
    deadline = F("deadline_at")
    # Nobody attached; the state can't be read; a runtime has the session at the longest duration;
    # its client has gone.
    whens = (
        Q(status=Status.CREATED),
        Q(unreadable_since__isnull=False),
        Q(deadline_at__gte=F("longest_until")),
        Q(status=Status.STREAMING),
    )
    ends: tuple[dict[str, Any], ...] = (
        ended(Status.CANCELLED, Outcome.EXPIRED, deadline, SESSION_EXPIRED),
        ended(Status.COMPLETED, Outcome.COMPLETED, deadline, STATE_UNREADABLE),
        {
            "status": Status.FINALIZING,
            "finishing_outcome": Outcome.MAX_DURATION,
            "deadline_at": F("lease_until") + Value(FINALIZING_GRACE),
        },
        ended(Status.FAILED, Outcome.ABANDONED, deadline, SESSION_ABANDONED),
    )
    changes: dict[str, Any] = {}
    for column in ends[0]:
        values = (end.get(column, F(column)) for end in ends)
        changes[column] = Case(
            *(
                When(when, then=value if isinstance(value, Combinable) else Value(value))
                for when, value in zip(whens, values, strict=True)
            ),
            output_field=cast("Field[Any, Any]", DetectionSession._meta.get_field(column)),
        )
    return update_live(sessions.to_end(now), **{**changes, "summary": SUMMARY})


def sessions_await_reader(sessions: SessionQuerySet, now: datetime) -> None:
    """Make those that this process can't read, and no runtime holds, wait for one that can.

    The grace period of one that waits already does not start again.
    """
    since = Coalesce("unreadable_since", Value(now))
    unread = sessions.unreadable(now).filter(status__in=LIVE_STATUSES)
    unread.update(unreadable_since=since, deadline_at=since + READER_GRACE)


def sessions_take_back(sessions: QuerySet[DetectionSession], now: datetime) -> list[UUID]:
    """Resume sessions that wait for a reader, and that this process can read.

    A finalizing one is due at once. Returns their ids.
    """
    taken: list[UUID] = []

    def take_back(ids: list[UUID]) -> None:
        taken.extend(ids)
        end_wait(DetectionSession.objects.filter(id__in=ids), now, finalizing_until=now)

    update_in_slices(sessions, take_back)
    return taken


def end_wait(sessions: SessionQuerySet, now: datetime, *, finalizing_until: datetime) -> None:
    """Give sessions that waited for a reader their own deadlines."""
    streaming_until = Least("longest_until", Value(now + idle_limit() + IDLE_SLACK))
    sessions.update(
        unreadable_since=None,
        is_state_unreadable=False,
        deadline_at=Case(
            When(status=Status.FINALIZING, then=Value(finalizing_until)), default=streaming_until
        ),
    )
