"""Checkpoints stored as a runtime does it."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db import connection

from sessions_app.checkpoints import STATEMENT, Checkpoint, parameters
from sessions_app.fencing import AttachmentLost
from sessions_app.lifecycle import session_settle


def store_all(checkpoints: Sequence[Checkpoint], now: datetime) -> set[UUID]:
    """The attachments whose checkpoint is held."""
    with connection.cursor() as cursor:
        cursor.execute(STATEMENT, parameters(checkpoints, now))
        answered = [attachment_id for (attachment_id,) in cursor.fetchall()]
    assert len(answered) == len(set(answered))
    return set(answered)


def checkpoint_store(checkpoint: Checkpoint, now: datetime) -> None:
    """Store one; what is not held is tried again after settling, then it is AttachmentLost."""
    if store_all([checkpoint], now):
        return
    session_settle(session_id=checkpoint.session_id, now=now)
    if not store_all([checkpoint], now):
        raise AttachmentLost
