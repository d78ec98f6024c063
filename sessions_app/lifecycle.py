"""The transitions of a session, each written once: API, admin, worker and runtime call these.

A state moves by one guarded UPDATE, and its row count decides; an attach decides on the row that it
has locked. Each function settles a passed deadline first. So it finds the session as the sweep
would have left it.
Attaches are in attachments.py, checkpoints in checkpoints.py, leases in leases.py, and a session's
finish is in finish.py.
"""

from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Case, F, Q, QuerySet, Value, When

from kynaplatform.api.errors import NotFound
from kynaplatform.timing import FINALIZING_GRACE, IDLE_SLACK
from sessions_app.absences import make_up_for_absence
from sessions_app.deadlines import (
    ABANDONED_MESSAGE,
    SESSION_ABANDONED,
    settle,
)
from sessions_app.errors import SessionAlreadyEnded
from sessions_app.finish import session_finish
from sessions_app.leases import AttachmentLost, update_held
from sessions_app.limits import idle_limit
from sessions_app.models import LIVE_STATUSES, DetectionSession, Outcome, Status, is_attached
from sessions_app.session_ends import ended, update_live
from sessions_app.unreadable_states import is_left

# The channel that runtimes listen on. The payload is the session's id.
CHANNEL = "kyna_session"


def session_settle(*, session_id: UUID, now: datetime) -> None:
    """Settle one session as the sweep would."""
    one = DetectionSession.objects.filter(id=session_id)
    if one.due(now).exists():
        settle(one, now)
        # AttachmentLost: there was nothing to finish, or another has just finished it.
        with suppress(AttachmentLost):
            session_finish(session_id=session_id, now=now)


def settle_locked(one: QuerySet[DetectionSession], now: datetime, project_id: UUID) -> None:
    """Lock a project's session, which waits for a transaction that is ending it, and settle it.

    It is found by its id alone: planned on an empty table, the index of projects would seem as
    cheap.
    """
    locked = one.order_by().select_for_update(no_key=True)
    for session_id, found_in, deadline_at in locked.values_list("id", "project_id", "deadline_at"):
        is_overdue = deadline_at is not None and deadline_at <= now
        if is_overdue and found_in == project_id:
            session_settle(session_id=session_id, now=now)


def session_finalize(*, session_id: UUID, project_id: UUID, now: datetime) -> None:
    """Ask that a session ends with its result: at once, or by the runtime that is attached.

    A session that is finalizing or completed is not changed. Raises NotFound, SessionAlreadyEnded.
    """
    _request_end(
        session_id,
        project_id,
        now,
        before=(Status.CREATED, Status.STREAMING),
        already=(Status.FINALIZING, Status.COMPLETED),
        changes={
            "status": Status.FINALIZING,
            "finishing_outcome": Outcome.COMPLETED,
            # With nothing attached it is due at once, so that the sweep finishes it should this
            # process die here.
            "deadline_at": Case(
                When(is_attached(now), then=F("lease_until") + Value(FINALIZING_GRACE)),
                When(is_left(), then=F("deadline_at")),
                default=now,
            ),
        },
    )
    session_settle(session_id=session_id, now=now)


def session_cancel(*, session_id: UUID, project_id: UUID, now: datetime) -> None:
    """Cancel a session. A cancelled one is not changed. Raises NotFound, SessionAlreadyEnded."""
    _request_end(
        session_id,
        project_id,
        now,
        before=LIVE_STATUSES,
        already=(Status.CANCELLED,),
        changes=ended(Status.CANCELLED, Outcome.CANCELLED, now),
    )


def session_abandon(
    *, session_id: UUID, attachment_id: UUID, last_message_at: datetime, now: datetime
) -> None:
    """Fail a streaming session whose client has sent nothing for the idle limit.

    Raises AttachmentLost, also where an absence has extended that limit.
    """
    make_up_for_absence(now)
    update_held(
        session_id,
        attachment_id,
        now,
        Q(status=Status.STREAMING, deadline_at__lte=last_message_at + idle_limit() + IDLE_SLACK),
        **ended(
            Status.FAILED,
            Outcome.ABANDONED,
            last_message_at + idle_limit(),
            error_code=SESSION_ABANDONED,
            error_message=ABANDONED_MESSAGE,
        ),
    )


def session_fail(
    *, session_id: UUID, attachment_id: UUID, code: str, message: str, now: datetime
) -> None:
    """Fail a session that is streaming or finalizing. Raises AttachmentLost."""
    changes = ended(Status.FAILED, Outcome.FAILED, now, error_code=code, error_message=message)
    update_held(session_id, attachment_id, now, **changes)


def notify_runtimes(session_ids: Iterable[UUID]) -> None:
    """Tell the runtimes, when this transaction commits, to read these sessions again."""
    ids = [str(id_) for id_ in session_ids]
    if ids:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_notify(%s, id) FROM unnest(%s::text[]) AS id", [CHANNEL, ids])


def already_ended(session: DetectionSession) -> SessionAlreadyEnded:
    """The error of any request to a session that has ended."""
    return SessionAlreadyEnded(
        None,
        status=session.status,
        terminal_outcome=session.terminal_outcome,
        accepted_frames_total=session.accepted_frames_total,
    )


def _request_end(
    session_id: UUID,
    project_id: UUID,
    now: datetime,
    *,
    before: Iterable[str],
    already: Iterable[str],
    changes: dict[str, Any],
) -> None:
    one = DetectionSession.objects.filter(id=session_id)
    mine = one.filter(project_id=project_id)
    make_up_for_absence(now)
    with transaction.atomic():
        settle_locked(one, now, project_id)
        if update_live(mine.filter(status__in=before, deadline_at__gt=now), **changes):
            notify_runtimes([session_id])
            return
        session = mine.first()
    if session is None:
        raise NotFound("session")
    if session.status not in already:
        raise already_ended(session)
