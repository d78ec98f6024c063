"""Sessions whose state this process's engine can't read: left to a process that can.

`unreadable_since` marks one that is left, and its deadline is then READER_GRACE later. A process
that can read the state takes the session back before; else the deadline completes it (deadlines.py)
on what is counted.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Case, Q, QuerySet, Value, When
from django.db.models.functions import Coalesce, Least

from common.slices import update_in_slices
from detection import READABLE_FORMS
from kynaplatform.timing import IDLE_SLACK, READER_GRACE
from sessions_app.limits import idle_limit
from sessions_app.models import LIVE_STATUSES, DetectionSession, Status, is_attached


def is_of_known_version() -> Q:
    """This process's engine may read its state. A session without a state has no version."""
    return Q(engine_version__isnull=True) | Q(engine_version__in=READABLE_FORMS)


def is_readable() -> Q:
    """The same, and none of its version has failed to."""
    return is_of_known_version() & Q(is_state_unreadable=False)


def knows_version_of(session: DetectionSession) -> bool:
    """Whether `is_of_known_version` is so of a session that was read."""
    return session.engine_version is None or session.engine_version in READABLE_FORMS


def is_left() -> Q:
    """No process that can read it is known. It completes at its deadline."""
    return Q(unreadable_since__isnull=False)


def sessions_leave(sessions: QuerySet[DetectionSession], now: datetime) -> int:
    """Leave those of `sessions` that this process can't read, and that no runtime holds.

    One that is left already keeps the time since when it is. Returns how many.
    """
    since = Coalesce("unreadable_since", Value(now))
    unread = sessions.filter(~is_readable(), ~is_attached(now), status__in=LIVE_STATUSES)
    return unread.update(unreadable_since=since, deadline_at=since + READER_GRACE)


def sessions_left(now: datetime) -> QuerySet[DetectionSession]:
    """Those that are left, whose time is not over and whose version this process knows."""
    left = DetectionSession.objects.filter(is_left(), deadline_at__gt=now)
    return left.filter(is_of_known_version(), ~is_attached(now))


def sessions_take_back(sessions: QuerySet[DetectionSession], now: datetime) -> list[UUID]:
    """Give those of `sessions_left` that this process can read their own deadlines again.

    A finalizing one is due at once. Returns their ids.
    """
    taken: list[UUID] = []
    streaming = Least("longest_until", Value(now + idle_limit() + IDLE_SLACK))
    deadline = Case(When(status=Status.FINALIZING, then=Value(now)), default=streaming)

    def take_back(ids: list[Any]) -> None:
        taken.extend(ids)
        DetectionSession.objects.filter(id__in=ids).update(
            unreadable_since=None, is_state_unreadable=False, deadline_at=deadline
        )

    update_in_slices(sessions, take_back)
    return taken
