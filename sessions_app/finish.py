"""The finish of a session: the engine's own finish on the stored state, then `completed`."""

import logging
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import DataError, Error, IntegrityError, transaction
from django.db.models import Case, F, QuerySet, Value, When
from django.db.models.functions import Coalesce

import detection
from sessions_app.checkpoints import AttachmentLost, counts_of
from sessions_app.context import spec_of_session
from sessions_app.models import DetectionEvent, DetectionSession, Outcome, Status
from sessions_app.session_ends import (
    RUNTIME_ERROR,
    ended,
    sessions_take_back,
    settle,
    update_live,
)
from sessions_app.stream_state import LABELS, stored_state, stored_summary
from sessions_app.summary import COUNTED

logger = logging.getLogger(__name__)

# A checkpoint may be stored between the read and the write; hardly ever more than one.
TRIES = 3
# Unreadable sessions that one sweep tries again.
MAX_REREADS = 50


def session_finish(
    *, session_id: UUID, now: datetime, attachment_id: UUID | None = None
) -> DetectionSession:
    """Complete a session that is finalizing, or that a deadline completes by `now`.

    The runtime that is attached to a finalizing session gives its `attachment_id`. The engine runs
    without a lock. The one write is guarded by the checkpoint that the engine started from. If the
    engine raises, the session fails with `runtime_error`.

    Raises AttachmentLost when another is to finish it or it has ended: then nothing was changed.
    Raises it too when this process can't read the state: then the session waits for one that can.
    """
    sessions = DetectionSession.objects.filter(id=session_id).defer(*LABELS)
    if attachment_id is None:
        sessions = sessions.to_finish(now)
        by_default: object = F("deadline_at")
    else:
        mine = sessions.filter(attachment_id=attachment_id)
        settle(mine, now)
        sessions = mine.filter(status=Status.FINALIZING, deadline_at__gt=now)
        by_default = now
    # A session that is still streaming here has reached its maximum length.
    outcome = Coalesce("finishing_outcome", Value(Outcome.MAX_DURATION))
    ended_at = Case(
        When(finishing_outcome=Outcome.MAX_DURATION, then=F("longest_until")),
        default=by_default,
    )
    changes = ended(Status.COMPLETED, outcome, ended_at)
    for _ in range(TRIES):
        session = sessions.first()
        if session is None:
            break
        try:
            with reading_state(session):
                engine = _engine_of(session)
        except StateUnreadable:
            if attachment_id is None:
                settle(DetectionSession.objects.filter(id=session_id), now)
            break
        unchanged = sessions.filter(checkpoint_number=session.checkpoint_number)
        if (finished := _finish(session, engine, unchanged, changes)) is not None:
            return finished
    raise AttachmentLost


class StateUnreadable(Exception):
    """This process's engine can't read the session's stored state. Another's may.

    `since` is when the session began to wait for another; None while another is attached.
    """

    def __init__(self, since: datetime | None = None) -> None:
        super().__init__(since)
        self.since = since


@contextmanager
def reading_state(session: DetectionSession) -> Iterator[None]:
    """Raise any exception of reading the session's state, or its MoveSpec, as StateUnreadable.

    The session's row notes it, for the admin and the sweep.
    """
    try:
        yield
    except Error:
        raise  # the database's fault, not the session's
    except Exception as error:
        read = DetectionSession.objects.filter(
            id=session.id, checkpoint_number=session.checkpoint_number, is_state_unreadable=False
        )
        if read.update(is_state_unreadable=True):
            logger.exception(
                "The engine can't go on with session %(session_id)s.", {"session_id": session.id}
            )
        raise StateUnreadable from error


def sessions_read_again(now: datetime) -> None:
    """Take back finalizing sessions that an engine of this version failed to read, where this can.

    Newer code may know the MoveSpec, or mend what made it fail. Nobody attaches to these sessions;
    the attaches of one that streams try it.
    """
    damaged = DetectionSession.objects.awaiting_reader(now).filter(is_state_unreadable=True)
    damaged = damaged.exclude(status=Status.STREAMING)
    readable = []
    # In random order, so that those that stay damaged don't take every turn.
    for one in damaged.order_by("?")[:MAX_REREADS]:
        with suppress(StateUnreadable), reading_state(one):
            _engine_of(one)
            readable.append(one.id)
    if readable:
        sessions_take_back(damaged.filter(id__in=readable), now)


def _engine_of(session: DetectionSession) -> detection.Engine | None:
    snapshot = stored_state(session).get("engine")
    if snapshot is None:
        return None
    completed = sum(session.repetitions.values())
    return detection.Engine.restore(spec_of_session(session), snapshot, completed=completed)


def _finish(
    session: DetectionSession,
    engine: detection.Engine | None,
    unchanged: QuerySet[DetectionSession],
    changes: dict[str, Any],
) -> DetectionSession | None:
    """End `session` while it is `unchanged` since it was read; None when it is not."""
    try:
        events = [
            DetectionEvent(
                session_id=session.id,
                sequence=session.events_total + number,
                frame_seq=session.last_frame_seq,
                ts_ms=event.ts_ms,
                type=event.type,
                payload=event.payload,
            )
            for number, event in enumerate(engine.finish() if engine else (), start=1)
        ]
        if engine is not None:
            summary = stored_summary(session, stored_state(session))
            changes = {**changes, "summary": {**summary, COUNTED: engine.summary()}}
        return _end(session, unchanged, changes, events)
    except Exception as error:  # whatever it is, the session must end
        if isinstance(error, Error) and not isinstance(error, DataError | IntegrityError):
            raise  # the database's fault; what it can't store is the engine's
        logger.exception(
            "The engine failed to finish session %(session_id)s.", {"session_id": session.id}
        )
    failed = ended(Status.FAILED, Outcome.FAILED, changes["ended_at"], RUNTIME_ERROR)
    return _end(session, unchanged, failed, [])


def _end(
    session: DetectionSession,
    unchanged: QuerySet[DetectionSession],
    changes: dict[str, Any],
    events: list[DetectionEvent],
) -> DetectionSession | None:
    repetitions, interrupted = counts_of(events)
    total = session.events_total + len(events)
    changes = {
        **changes,
        "events_total": total,
        "counted_events_total": total,
        "repetitions": Counter(session.repetitions) + repetitions,
        "interrupted_total": session.interrupted_total + interrupted,
    }
    with transaction.atomic():
        if not update_live(unchanged, **changes):
            return None
        DetectionEvent.objects.bulk_create(events)
        # Once this has committed the session may be deleted.
        return DetectionSession.objects.defer(*LABELS).get(id=session.id)
