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

from detection import SNAPSHOT_FORM
from kynaplatform.api.chunks import change_in_chunks
from kynaplatform.timing import FINALIZING_GRACE, READER_GRACE
from sessions_app.models import LIVE_STATUSES, DetectionSession, Outcome, Status
from sessions_app.session_ends import update_live

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
    Status.FAILED: (Status.STREAMING, Status.FINALIZING),
}


def is_due(now: datetime) -> Q:
    """Its deadline has passed. Only live sessions have one, in an index of its own."""
    return Q(deadline_at__lte=now)


def is_attached(now: datetime) -> Q:
    """A runtime holds the session with a lease that has not run out."""
    return Q(attachment_id__isnull=False, lease_until__gt=now)


def is_to_finish(now: datetime) -> Q:
    """Its deadline completes it, which takes the engine's own finish (finish.py)."""
    return is_due(now) & _finishes(now) & is_of_known_version() & ~_is_given_up(now)


def is_to_settle(now: datetime) -> Q:
    """Its deadline takes no engine: `as_due` says all that is to be written."""
    return is_due(now) & (~_finishes(now) | _is_given_up(now))


def is_of_known_version() -> Q:
    """This process's engine may read its state. A session without a state has no version."""
    return Q(engine_version__isnull=True) | Q(engine_version=SNAPSHOT_FORM)


def settle(sessions: QuerySet[DetectionSession], now: datetime) -> int:
    """Write the overdue ones of `sessions` that are not to finish. Returns how many."""
    # Those that are left finalizing keep their state: a runtime finishes them from it.
    kept = Case(When(_is_left_finalizing(now), then=F("engine_state")))
    return update_live(sessions.filter(is_to_settle(now)), **as_due(now), engine_state=kept)


def settle_in_chunks(rows: QuerySet[DetectionSession], now: datetime, chunk_size: int) -> int:
    """The same of many, in short transactions."""
    return change_in_chunks(
        rows.filter(is_to_settle(now)),
        lambda ids: settle(DetectionSession.objects.filter(id__in=ids), now),
        chunk_size,
    )


def _is_readable() -> Q:
    return is_of_known_version() & Q(is_state_unreadable=False)


def _is_given_up(now: datetime) -> Q:
    """No engine has read its state for so long that none will."""
    return ~_is_readable() & Q(deadline_at__lte=now - READER_GRACE)


def _finishes(now: datetime) -> Q:
    """Its deadline completes it. Only columns without an index say so: `is_due` has the index."""
    finalizing = Q(finishing_outcome__isnull=False)
    too_long = Q(deadline_at__gte=F("longest_until"))
    return finalizing | too_long & ~_was_held(now)


def _was_held(now: datetime) -> Q:
    """A runtime holds it, or died a moment ago. That runtime is to finish it."""
    return Q(attachment_id__isnull=False, lease_until__gt=now - FINALIZING_GRACE)


def _is_too_long(now: datetime) -> Q:
    return is_due(now) & Q(status=Status.STREAMING, deadline_at__gte=F("longest_until"))


def _is_left_finalizing(now: datetime) -> Q:
    return _is_too_long(now) & _was_held(now)


def as_due(now: datetime, *, is_read: bool = False) -> dict[str, Combinable]:
    """Column → its value at `now`: changed if the deadline has passed, else as stored.

    A session that an engine has to complete stays as stored while no engine can read its state.
    `is_read` says that the caller has read it.
    """
    due = is_due(now)
    unreadable = NOTHING if is_read else due & _finishes(now) & ~_is_readable()
    given_up = unreadable & _is_given_up(now)
    left = unreadable & ~_is_given_up(now)
    expired = due & Q(status=Status.CREATED)
    too_long = _is_too_long(now)
    finishing = _is_left_finalizing(now)
    abandoned = due & Q(status=Status.STREAMING, deadline_at__lt=F("longest_until"))
    finished = due & Q(status=Status.FINALIZING)
    ends = due & ~finishing

    whens: dict[str, list[tuple[Q, object]]] = {
        "status": [
            (expired, Status.CANCELLED),
            (given_up, Status.FAILED),
            (finishing, Status.FINALIZING),
            (too_long | finished, Status.COMPLETED),
            (abandoned, Status.FAILED),
        ],
        "terminal_outcome": [
            (expired, Outcome.EXPIRED),
            (given_up, Outcome.FAILED),
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
            (finished & Q(finishing_outcome=Outcome.MAX_DURATION), F("longest_until")),
            (ends, F("deadline_at")),
        ],
        "deadline_at": [(finishing, F("lease_until") + Value(FINALIZING_GRACE)), (ends, None)],
        "attachment_id": [(ends, None)],
        "lease_until": [(ends, None)],
    }
    return {
        name: Case(
            When(left, then=F(name)),
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
    """Sessions not ended at `now`. Only live ones have a deadline, with indexes of their own."""
    stored = Q(deadline_at__isnull=False, status__in=LIVE_STATUSES)
    return stored & has_status(LIVE_STATUSES, now)


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
    for found in sessions_as_of(now).filter(id__in=list(overdue)):
        for name, value in vars(found).items():
            if name.startswith("now_"):
                setattr(overdue[found.id], name.removeprefix("now_"), value)


def sessions_as_of(now: datetime) -> QuerySet[DetectionSession]:
    """All sessions, with `now_<column>` for each column that a deadline changes.

    They come without the engine state, which is large and which only an engine can read.
    """
    return DetectionSession.objects.defer("engine_state").annotate(
        **{f"now_{name}": expression for name, expression in as_due(now).items()}
    )


def _expression(value: object) -> Combinable:
    return value if isinstance(value, Combinable) else Value(value)
