"""Deadlines of sessions: who writes what a passed one does.

The sweep does, and whoever changes a session: an attach, a renewal, a finalize, a cancel. Readers
show the stored row.
"""

from datetime import datetime
from typing import Any, cast

from django.db.models import Case, F, Field, Q, QuerySet, Value, When
from django.db.models.expressions import Combinable

from common.slices import update_in_slices
from kynaplatform.timing import FINALIZING_GRACE
from sessions_app.absences import make_up_for_absence
from sessions_app.models import DetectionSession, Outcome, Status, is_attached
from sessions_app.session_ends import update_live
from sessions_app.stream_state import STATE_COLUMNS, STATE_IS_DROPPED
from sessions_app.unreadable_states import is_left, is_readable, sessions_leave

SESSION_EXPIRED = "session_expired"
SESSION_ABANDONED = "session_abandoned"
EXPIRED_MESSAGE = "No runtime attached within the attach window."
ABANDONED_MESSAGE = "The client sent nothing within the idle limit."
STATE_UNREADABLE = "state_unreadable"
STATE_UNREADABLE_MESSAGE = "No detection engine could read the session's stored state."


def is_to_finish(now: datetime) -> Q:
    """Its deadline completes it, which takes the engine's own finish (finish.py)."""
    return Q(deadline_at__lte=now) & _finishes(now) & is_readable() & ~is_left()


def is_to_settle(now: datetime) -> Q:
    """Its deadline takes no engine of this process."""
    return _ends(now) | is_unread(now)


def is_unread(now: datetime) -> Q:
    """Its deadline completes it, this process can't read its state, and it is not left yet."""
    unread = ~is_readable() & ~is_left() & ~is_attached(now)
    return Q(deadline_at__lte=now) & _finishes(now) & unread


def settle(one: QuerySet[DetectionSession], now: datetime) -> int:
    """Write the passed deadline of one session, unless it is to finish. Returns how many it was."""
    make_up_for_absence(now)
    return _end(one, now) or sessions_leave(one.filter(is_unread(now)), now)


def settle_in_chunks(rows: QuerySet[DetectionSession], now: datetime, slice_size: int) -> int:
    """The same of many, in short transactions."""
    make_up_for_absence(now)

    def change(ids: list[Any]) -> None:
        chunk = DetectionSession.objects.filter(id__in=ids)
        if _end(chunk, now) < len(ids):
            sessions_leave(chunk.filter(is_unread(now)), now)

    return update_in_slices(rows.filter(is_to_settle(now)), change, slice_size)


def _end(sessions: QuerySet[DetectionSession], now: datetime) -> int:
    """Write the deadlines that take no engine. `ended_at` is the deadline, however late that is.

    A session whose runtime is to finish it becomes finalizing, and keeps its state.
    """
    deadline = F("deadline_at")
    # Column → its value where nobody attached, where the state can't be read, where a runtime
    # holds it at the longest duration, and where its client has gone.
    changes: dict[str, tuple[object, object, object, object]] = {
        "status": (Status.CANCELLED, Status.COMPLETED, Status.FINALIZING, Status.FAILED),
        "terminal_outcome": (Outcome.EXPIRED, Outcome.COMPLETED, None, Outcome.ABANDONED),
        "finishing_outcome": (None, None, Outcome.MAX_DURATION, None),
        "error_code": (SESSION_EXPIRED, STATE_UNREADABLE, None, SESSION_ABANDONED),
        "error_message": (EXPIRED_MESSAGE, STATE_UNREADABLE_MESSAGE, None, ABANDONED_MESSAGE),
        "ended_at": (deadline, deadline, None, deadline),
        "deadline_at": (None, None, F("lease_until") + Value(FINALIZING_GRACE), None),
        **{
            column: (None, None, F(column), None)
            for column in ("attachment_id", "lease_until", *STATE_COLUMNS)
        },
    }
    whens = (Q(status=Status.CREATED), is_left(), _is_too_long(), Q(status=Status.STREAMING))
    values = {
        column: Case(
            *(
                When(when, then=value if isinstance(value, Combinable) else Value(value))
                for when, value in zip(whens, of_column, strict=True)
            ),
            output_field=cast("Field[Any, Any]", DetectionSession._meta.get_field(column)),
        )
        for column, of_column in changes.items()
    }
    return update_live(sessions.filter(_ends(now)), **{**STATE_IS_DROPPED, **values})


def _ends(now: datetime) -> Q:
    return Q(deadline_at__lte=now) & (~_finishes(now) | is_left())


def _finishes(now: datetime) -> Q:
    """Its deadline completes it. No index has these columns: the deadline has one."""
    finalizing = Q(finishing_outcome__isnull=False)
    return finalizing | _is_too_long() & ~_was_held(now)


def _is_too_long() -> Q:
    return Q(deadline_at__gte=F("longest_until"))


def _was_held(now: datetime) -> Q:
    """A runtime holds it, or died a moment ago. That runtime is to finish it."""
    return Q(attachment_id__isnull=False, lease_until__gt=now - FINALIZING_GRACE)
