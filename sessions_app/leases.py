"""Leases, and the fence: a runtime writes to a session only while its attachment holds it.

A runtime renews the leases of all its attachments by one statement, every few seconds.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection
from django.db.models import Q

from kynaplatform import clock
from kynaplatform.timing import FINALIZING_GRACE, IDLE_MARGIN, IDLE_SLACK, LEASE
from sessions_app.absences import make_up_for_absence
from sessions_app.deadlines import settle, settle_in_chunks
from sessions_app.limits import idle_limit
from sessions_app.models import DetectionSession, Status
from sessions_app.session_ends import update_live

# The columns of `session` that a renewal sets, from the `idle_at` of `given` and the parameters of
# `renewal`. The deadline is indexed. So it is written only when the stored one would be early, and
# most checkpoints touch no index (they are heap-only updates).
RENEWAL = """lease_until = %(lease_until)s::timestamptz,
        deadline_at = CASE
            WHEN session.status = 'finalizing' THEN %(finalizing_deadline)s::timestamptz
            WHEN session.deadline_at >= given.idle_at + %(idle_margin)s::interval
                THEN session.deadline_at
            ELSE LEAST(session.longest_until, given.idle_at + %(idle_slack)s::interval)
        END"""
# A row that a checkpoint has locked is passed over: the checkpoint renews it. It is returned as
# held, as is every row that was held when the statement began. Rows are found by the primary key,
# as in checkpoints.py.
_RENEW = f"""
WITH held AS (
    SELECT session.id, given.attachment_id, given.idle_at
    FROM unnest(
        %(session_ids)s::uuid[], %(attachment_ids)s::uuid[], %(idle_at)s::timestamptz[]
    ) AS given (session_id, attachment_id, idle_at)
    JOIN detection_session AS session ON session.id = ANY (%(session_ids)s::uuid[])
        AND session.id = given.session_id AND session.attachment_id = given.attachment_id
    WHERE COALESCE(session.deadline_at > %(now)s::timestamptz, FALSE)
),
free AS (
    SELECT session.id, held.idle_at
    FROM held
    JOIN detection_session AS session ON session.id = ANY (%(session_ids)s::uuid[])
        AND session.id = held.id AND session.attachment_id = held.attachment_id
    FOR NO KEY UPDATE OF session SKIP LOCKED
),
renewed AS (
    UPDATE detection_session AS session
    SET {RENEWAL}
    FROM free AS given
    WHERE session.id = ANY (%(session_ids)s::uuid[]) AND session.id = given.id
)
SELECT attachment_id, clock_timestamp() FROM held
"""  # noqa: S608


class Attachment(NamedTuple):
    """An attachment of a runtime, and the time of its client's last message."""

    session_id: UUID
    attachment_id: UUID
    last_message_at: datetime


def renewal(now: datetime) -> dict[str, Any]:
    """The parameters of a statement that renews by RENEWAL."""
    return {
        "now": now,
        "lease_until": now + LEASE,
        "finalizing_deadline": now + LEASE + FINALIZING_GRACE,
        "idle_margin": IDLE_MARGIN,
        "idle_slack": IDLE_SLACK,
    }


def leases_renew(*, attachments: Iterable[Attachment], now: datetime) -> set[UUID]:
    """Renew the leases of one runtime's attachments. Returns those that hold their session.

    It moves the idle deadlines as well: a client that only pings is not idle.
    """
    make_up_for_absence(now)
    given = list(attachments)
    held = _renew(given, now)
    # A session that has lasted the longest is finalizing, and still held.
    missing = [one for one in given if one.attachment_id not in held]
    if missing:
        mine = DetectionSession.objects.filter(
            id__in=[one.session_id for one in missing],
            attachment_id__in=[one.attachment_id for one in missing],
        )
        if settle_in_chunks(mine, now, len(missing)):
            held |= _renew(missing, now)
    return held


def _renew(given: list[Attachment], now: datetime) -> set[UUID]:
    parameters: dict[str, Any] = {
        **renewal(now),
        "session_ids": [one.session_id for one in given],
        "attachment_ids": [one.attachment_id for one in given],
        "idle_at": [one.last_message_at + idle_limit() for one in given],
    }
    with connection.cursor() as cursor:
        asked_at = clock.ticks()
        cursor.execute(_RENEW, parameters)
        rows = cursor.fetchall()
    if rows:
        clock.measured(rows[-1][-1], asked_at)
    return {attachment_id for attachment_id, _ in rows}


HELD_STATUSES = (Status.STREAMING, Status.FINALIZING)


class AttachmentLost(Exception):
    """The attachment no longer holds the session: a newer one does, or it has ended."""


def update_held(
    session_id: UUID, attachment_id: UUID, now: datetime, /, *guards: Q, **changes: Any
) -> None:
    """Change the session that `attachment_id` holds. Raises AttachmentLost.

    If no row matches, a deadline that has passed is settled and the change is tried again: the
    longest session leaves it finalizing and still held, and an absence has extended it.
    """
    mine = DetectionSession.objects.filter(id=session_id, attachment_id=attachment_id)
    held = mine.filter(*guards, status__in=HELD_STATUSES, deadline_at__gt=now)
    if update_live(held, **changes):
        return
    settle(mine, now)
    if not update_live(held, **changes):
        raise AttachmentLost
