"""Leases, and the fence: a runtime writes to a session only while its attachment has it.

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
from sessions_app.downtime import make_up_for_downtime
from sessions_app.models import DetectionSession, Status
from sessions_app.session_ends import idle_limit, settle, settle_in_slices, update_live

# What a renewal sets, from the `idle_at` of `given` and the parameters of `renewal`. The deadline
# is indexed, so it is written only when the stored one would be early: most checkpoints touch no
# index (they are heap-only updates).
RENEWAL = """lease_until = %(lease_until)s::timestamptz,
        deadline_at = CASE
            WHEN session.status = 'finalizing' THEN %(finalizing_deadline)s::timestamptz
            WHEN session.deadline_at >= given.idle_at + %(idle_margin)s::interval
                THEN session.deadline_at
            ELSE LEAST(session.longest_until, given.idle_at + %(idle_slack)s::interval)
        END"""
# A row locked by a checkpoint is not updated here, because the checkpoint renews it, but it is
# returned: the statement returns every attachment that had its session in the statement's snapshot.
# Only the primary key can serve the conditions, as in checkpoints.py.
_RENEW = f"""
WITH attached AS (
    SELECT session.id, given.attachment_id, given.idle_at
    FROM unnest(
        %(session_ids)s::uuid[], %(attachment_ids)s::uuid[], %(idle_at)s::timestamptz[]
    ) AS given (session_id, attachment_id, idle_at)
    JOIN detection_session AS session ON session.id = ANY (%(session_ids)s::uuid[])
        AND session.id = given.session_id AND session.attachment_id = given.attachment_id
    WHERE COALESCE(session.deadline_at > %(now)s::timestamptz, FALSE)
),
free AS (
    SELECT session.id, attached.idle_at
    FROM attached
    JOIN detection_session AS session ON session.id = ANY (%(session_ids)s::uuid[])
        AND session.id = attached.id AND session.attachment_id = attached.attachment_id
    FOR NO KEY UPDATE OF session SKIP LOCKED
),
renewed AS (
    UPDATE detection_session AS session
    SET {RENEWAL}
    FROM free AS given
    WHERE session.id = ANY (%(session_ids)s::uuid[]) AND session.id = given.id
)
SELECT attachment_id, clock_timestamp() FROM attached
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
    """Renew the leases of one runtime's attachments. Returns those that still have their session.

    It moves the idle deadlines as well: a client that only pings is not idle.
    """
    make_up_for_downtime(now)
    given = list(attachments)
    renewed = _renew(given, now)
    # A session at its maximum length is finalizing now, and still attached.
    missing = [one for one in given if one.attachment_id not in renewed]
    if missing:
        mine = DetectionSession.objects.filter(
            id__in=[one.session_id for one in missing],
            attachment_id__in=[one.attachment_id for one in missing],
        )
        if settle_in_slices(mine, now, len(missing)):
            renewed |= _renew(missing, now)
    return renewed


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


class AttachmentLost(Exception):
    """The attachment has lost the session: to a newer one, or the session has ended."""


def update_attached(
    session_id: UUID, attachment_id: UUID, now: datetime, /, *guards: Q, **changes: Any
) -> None:
    """Change the session that `attachment_id` has. Raises AttachmentLost.

    If no row matches, a passed deadline is settled and the change is tried again: at its maximum
    length the session is finalizing but still attached, and a downtime has extended the deadline.
    """
    mine = DetectionSession.objects.filter(id=session_id, attachment_id=attachment_id)
    attached = mine.filter(
        *guards, status__in=(Status.STREAMING, Status.FINALIZING), deadline_at__gt=now
    )
    if update_live(attached, **changes):
        return
    settle(mine, now)
    if not update_live(attached, **changes):
        raise AttachmentLost
