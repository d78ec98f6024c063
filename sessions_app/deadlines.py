"""Deadlines of sessions: the one rule that the sweep writes and every reader applies.

`as_due(now)` gives the value at `now` of each column that a deadline changes and that is shown. The
sweep updates with it, and reads annotate with it. So they agree whether or not the sweep has run.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, cast

from django.db.models import Case, F, Field, Q, QuerySet, Value, When
from django.db.models.expressions import Combinable
from django.db.models.lookups import In

from kynaplatform.api.chunks import change_in_chunks
from kynaplatform.timing import FINALIZING_GRACE
from sessions_app.absences import make_up_for_absence
from sessions_app.models import LIVE_STATUSES, DetectionSession, Outcome, Status, is_attached
from sessions_app.session_ends import update_live
from sessions_app.stream_state import STATE_COLUMNS, STATE_IS_DROPPED
from sessions_app.unreadable_states import is_left, is_readable, sessions_leave

SESSION_EXPIRED = "session_expired"
SESSION_ABANDONED = "session_abandoned"
EXPIRED_MESSAGE = "No runtime attached within the attach window."
ABANDONED_MESSAGE = "The client sent nothing within the idle limit."
STATE_UNREADABLE = "state_unreadable"
STATE_UNREADABLE_MESSAGE = "No detection engine could read the session's stored state."
NOTHING = Q(pk__in=[])
# Status → the statuses that a deadline changes into it.
COMES_FROM: dict[str, tuple[str, ...]] = {
    Status.FINALIZING: (Status.STREAMING,),
    Status.COMPLETED: (Status.STREAMING, Status.FINALIZING),
    Status.CANCELLED: (Status.CREATED,),
    Status.FAILED: (Status.STREAMING,),
}


def is_due(now: datetime) -> Q:
    """Its deadline has passed. Only live sessions have one, in an index of its own."""
    return Q(deadline_at__lte=now)


def is_to_finish(now: datetime) -> Q:
    """Its deadline completes it, which takes the engine's own finish (finish.py)."""
    return is_due(now) & _finishes(now) & is_readable() & ~is_left()


def is_to_settle(now: datetime) -> Q:
    """Its deadline takes no engine of this process."""
    return _ends(now) | is_unread(now)


def is_unread(now: datetime) -> Q:
    """Its deadline completes it, this process can't read its state, and it is not left yet."""
    unread = ~is_readable() & ~is_left() & ~is_attached(now)
    return is_due(now) & _finishes(now) & unread


def settle(one: QuerySet[DetectionSession], now: datetime) -> int:
    """Write the passed deadline of one session, unless it is to finish. Returns how many it was."""
    make_up_for_absence(now)
    return _end(one, now) or sessions_leave(one.filter(is_unread(now)), now)


def settle_in_chunks(rows: QuerySet[DetectionSession], now: datetime, chunk_size: int) -> int:
    """The same of many, in short transactions."""
    make_up_for_absence(now)

    def change(ids: list[Any]) -> None:
        chunk = DetectionSession.objects.filter(id__in=ids)
        if _end(chunk, now) < len(ids):
            sessions_leave(chunk.filter(is_unread(now)), now)

    return change_in_chunks(rows.filter(is_to_settle(now)), change, chunk_size)


def _end(sessions: QuerySet[DetectionSession], now: datetime) -> int:
    # Those that are left finalizing keep their state: a runtime finishes them from it.
    is_kept = _is_left_finalizing(now)
    kept = {column: Case(When(is_kept, then=F(column))) for column in STATE_COLUMNS}
    changes = {**as_due(now), **STATE_IS_DROPPED, **kept}
    return update_live(sessions.filter(_ends(now)), **changes)


def _ends(now: datetime) -> Q:
    """`as_due` says all that is to be written."""
    return is_due(now) & (~_finishes(now) | is_left())


def _finishes(now: datetime) -> Q:
    """Its deadline completes it. Only columns without an index say so: `is_due` has the index."""
    finalizing = Q(finishing_outcome__isnull=False)
    too_long = Q(deadline_at__gte=F("longest_until"))
    return finalizing | too_long & ~_was_held(now)


def _was_held(now: datetime) -> Q:
    """A runtime holds it, or died a moment ago. That runtime is to finish it."""
    return Q(attachment_id__isnull=False, lease_until__gt=now - FINALIZING_GRACE)


def _is_too_long(now: datetime) -> Q:
    streams = Q(status=Status.STREAMING, deadline_at__gte=F("longest_until"))
    return is_due(now) & streams & ~is_left()


def _is_left_finalizing(now: datetime) -> Q:
    return _is_too_long(now) & _was_held(now)


def as_due(now: datetime, *, is_read: bool = False) -> dict[str, Combinable]:
    """Column → its value at `now`: changed if the deadline has passed, else as stored.

    A session that an engine has to complete stays as stored where this process can't read its
    state. `is_read` says that the caller has read it.
    """
    due = is_due(now)
    unread = NOTHING if is_read else is_unread(now)
    given_up = due & is_left()
    expired = due & Q(status=Status.CREATED)
    too_long = _is_too_long(now)
    finishing = _is_left_finalizing(now)
    abandoned = due & Q(status=Status.STREAMING, deadline_at__lt=F("longest_until"))
    finished = due & Q(status=Status.FINALIZING)
    ends = due & ~finishing

    whens: dict[str, list[tuple[Q, object]]] = {
        "status": [
            (expired, Status.CANCELLED),
            (given_up, Status.COMPLETED),
            (finishing, Status.FINALIZING),
            (too_long | finished, Status.COMPLETED),
            (abandoned, Status.FAILED),
        ],
        "terminal_outcome": [
            (expired, Outcome.EXPIRED),
            (given_up, Outcome.COMPLETED),
            (finishing, None),
            (too_long, Outcome.MAX_DURATION),
            (abandoned, Outcome.ABANDONED),
            (finished, F("finishing_outcome")),
        ],
        "finishing_outcome": [(finishing, Outcome.MAX_DURATION), (ends, None)],
        "error_code": [
            (expired, SESSION_EXPIRED),
            (given_up, STATE_UNREADABLE),
            (abandoned, SESSION_ABANDONED),
        ],
        "error_message": [
            (expired, EXPIRED_MESSAGE),
            (given_up, STATE_UNREADABLE_MESSAGE),
            (abandoned, ABANDONED_MESSAGE),
        ],
        # The moment of the end, however late it is written.
        "ended_at": [
            (given_up, F("deadline_at")),
            (finished & Q(finishing_outcome=Outcome.MAX_DURATION), F("longest_until")),
            (ends, F("deadline_at")),
        ],
        "deadline_at": [(finishing, F("lease_until") + Value(FINALIZING_GRACE)), (ends, None)],
        "attachment_id": [(ends, None)],
        "lease_until": [(ends, None)],
    }
    return {
        name: Case(
            When(unread, then=F(name)),
            *(When(condition, then=_expression(value)) for condition, value in changes),
            default=F(name),
            output_field=cast("Field[Any, Any]", DetectionSession._meta.get_field(name)),
        )
        for name, changes in whens.items()
    }


def has_status(statuses: Sequence[str], now: datetime) -> Q:
    """Its status at `now` is one of these, whether or not the sweep has run."""
    return Q(In(as_due(now)["status"], statuses))


def has_not_ended(now: datetime) -> Q:
    """Sessions that `as_due` leaves live at `now`. Only live ones have a deadline, with indexes.

    By the deadline and not by that expression: PostgreSQL knows how many have one ahead, and so
    which index is the shorter.
    """
    stored = Q(deadline_at__isnull=False, status__in=LIVE_STATUSES)
    return stored & (Q(deadline_at__gt=now) | _is_left_finalizing(now) | is_unread(now))


def session_as_of(sessions: QuerySet[DetectionSession], now: datetime) -> DetectionSession | None:
    """The one session of `sessions`, with its columns as they are at `now`."""
    session = sessions.first()
    if session is not None:
        apply_deadlines([session], now)
    return session


def apply_deadlines(sessions: Iterable[DetectionSession], now: datetime) -> None:
    """Set the columns of overdue ones of `sessions` to their values at `now`.

    Only overdue ones are read again: the expressions cost more to build than to run.
    """
    overdue = {one.id: one for one in sessions if one.deadline_at and one.deadline_at <= now}
    if not overdue:
        return
    make_up_for_absence(now)
    for found in sessions_as_of(now).filter(id__in=list(overdue)):
        for name, value in vars(found).items():
            if name.startswith("now_"):
                setattr(overdue[found.id], name.removeprefix("now_"), value)


def sessions_as_of(now: datetime) -> QuerySet[DetectionSession]:
    """All sessions, with `now_<column>` for each column that a deadline changes.

    They come without the state of the release before.
    """
    return DetectionSession.objects.defer("engine_state").annotate(
        **{f"now_{name}": expression for name, expression in as_due(now).items()}
    )


def _expression(value: object) -> Combinable:
    return value if isinstance(value, Combinable) else Value(value)
