"""What a runtime that holds a session writes under: its fence, its lease, and the idle deadline."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import Case, Q, Value, When
from django.db.models.expressions import Combinable

from kynaplatform.timing import FINALIZING_GRACE, IDLE_MARGIN, IDLE_SLACK, LEASE
from sessions_app.deadlines import settle
from sessions_app.ends import update_live
from sessions_app.models import DetectionSession, Status

# What a lease that is renewed sets of `session`, by the `idle_at` that is `given`, with what
# `renewal` gives. The deadline is indexed: it is written only when the stored one would be early,
# so that most checkpoints touch no index (they are heap-only updates).
RENEWAL = """lease_until = %(lease_until)s::timestamptz,
        deadline_at = CASE
            WHEN session.status = 'finalizing' THEN %(finalizing_deadline)s::timestamptz
            WHEN session.deadline_at >= given.idle_at + %(idle_margin)s::interval
                THEN session.deadline_at
            ELSE LEAST(session.longest_until, given.idle_at + %(idle_slack)s::interval)
        END"""
HELD_STATUSES = (Status.STREAMING, Status.FINALIZING)
# What every end does to the columns of a live session.
ENDED: dict[str, Any] = {
    "finishing_outcome": None,
    "deadline_at": None,
    "attachment_id": None,
    "lease_until": None,
    "engine_state": None,
}


class AttachmentLost(Exception):
    """Someone newer is attached, or the session has ended: stop."""


def idle_limit() -> timedelta:
    return timedelta(seconds=settings.SESSION_IDLE_SECONDS)


def renewal(now: datetime) -> dict[str, Any]:
    """The parameters of a statement that renews by RENEWAL."""
    return {
        "now": now,
        "lease_until": now + LEASE,
        "finalizing_deadline": now + LEASE + FINALIZING_GRACE,
        "idle_margin": IDLE_MARGIN,
        "idle_slack": IDLE_SLACK,
    }


def update_held(
    session_id: UUID, attachment_id: UUID, now: datetime, /, *guards: Q, **changes: Any
) -> None:
    """Change the session that `attachment_id` holds; raises AttachmentLost.

    Only when that finds nothing is it looked whether a deadline has passed: the longest session
    leaves it finalizing and still held.
    """
    mine = DetectionSession.objects.filter(id=session_id, attachment_id=attachment_id)
    held = mine.filter(*guards, status__in=HELD_STATUSES, deadline_at__gt=now)
    if update_live(held, **changes):
        return
    if not (settle(mine, now) and update_live(held, **changes)):
        raise AttachmentLost


def case(condition: Q, then: object, otherwise: object) -> Case:
    return Case(When(condition, then=_value(then)), default=_value(otherwise))


def _value(value: object) -> Combinable:
    return value if isinstance(value, Combinable) else Value(value)
