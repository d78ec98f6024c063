"""The fence: a runtime writes to a session only while its attachment holds it."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Q

from sessions_app.deadlines import settle
from sessions_app.models import DetectionSession, Status
from sessions_app.session_ends import update_live

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
