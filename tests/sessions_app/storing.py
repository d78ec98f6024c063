"""Checkpoints stored as a runtime does it."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db import connection

from sessions_app.checkpoints import (
    STATEMENT,
    AttachmentLost,
    Checkpoint,
    CheckpointOutcome,
    parameters,
)
from sessions_app.lifecycle import session_settle


def answers_of(checkpoints: Sequence[Checkpoint], now: datetime) -> dict[UUID, CheckpointOutcome]:
    """What the statement answers, by attachment."""
    with connection.cursor() as cursor:
        cursor.execute(STATEMENT, parameters(checkpoints, now))
        rows = cursor.fetchall()
    answers = {attachment_id: CheckpointOutcome(answer) for attachment_id, answer in rows}
    assert len(answers) == len(rows)
    return answers


def store_all(checkpoints: Sequence[Checkpoint], now: datetime) -> set[UUID]:
    """The attachments whose checkpoint is stored."""
    answers = answers_of(checkpoints, now)
    return {
        attachment_id
        for attachment_id in answers
        if answers[attachment_id] is CheckpointOutcome.STORED
    }


def checkpoint_store(checkpoint: Checkpoint, now: datetime) -> None:
    """Store one; what is not stored is tried again after settling, then it is AttachmentLost."""
    if store_all([checkpoint], now):
        return
    session_settle(session_id=checkpoint.session_id, now=now)
    if not store_all([checkpoint], now):
        raise AttachmentLost
