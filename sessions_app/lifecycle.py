"""Every transition of a session, written once: API, admin, worker and runtime call these.

A state moves by one guarded UPDATE, and its row count decides. Deadlines come first: each
function settles what is overdue, so it finds the session as the sweep would have left it.
Checkpoints are in checkpoints.py, leases in leases.py, what finishes a session in finishing.py.
"""

from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.db.models import DateTimeField, F, Q, QuerySet, Value
from django.db.models.functions import Coalesce, Least

from kynaplatform.api.errors import (
    NotFound,
    OrganizationSuspended,
    ProjectSuspended,
)
from kynaplatform.timing import CLOCKS_DIFFER, FINALIZING_GRACE, IDLE_SLACK, LEASE
from sessions_app.counting import is_counted, store_counts_anew
from sessions_app.deadlines import (
    ABANDONED_MESSAGE,
    SESSION_ABANDONED,
    is_attached,
    is_due,
    is_of_known_version,
    settle,
)
from sessions_app.ends import update_live
from sessions_app.errors import SessionAlreadyEnded
from sessions_app.finishing import StateUnreadable, session_finish
from sessions_app.holding import (
    ENDED,
    AttachmentLost,
    case,
    idle_limit,
    update_held,
)
from sessions_app.models import LIVE_STATUSES, DetectionSession, Outcome, SessionAttach, Status

# Runtimes listen on it; the payload is the session's id.
CHANNEL = "kyna_session"
SUPERSEDED = 4409


def session_settle(*, session_id: UUID, now: datetime) -> None:
    """Do to one session what the sweep would."""
    one = DetectionSession.objects.filter(id=session_id)
    if one.filter(is_due(now)).exists():
        settle(one, now)
        # Not lost: it had not to be finished, or someone else has just done it.
        with suppress(AttachmentLost):
            session_finish(session_id=session_id, now=now)


def session_finalize(*, session_id: UUID, project_id: UUID, now: datetime) -> None:
    """Finish a session: at once when nothing is attached, else through its runtime.

    On finalizing or completed it changes nothing. Raises NotFound, SessionAlreadyEnded.
    """
    attached = is_attached(now)
    _request_end(
        session_id,
        project_id,
        now,
        before=(Status.CREATED, Status.STREAMING),
        already=(Status.FINALIZING, Status.COMPLETED),
        changes={
            "status": Status.FINALIZING,
            "finishing_outcome": Outcome.COMPLETED,
            # With nothing attached it is due at once, also when this process dies here.
            "deadline_at": case(attached, F("lease_until") + Value(FINALIZING_GRACE), now),
        },
    )
    session_settle(session_id=session_id, now=now)


def session_cancel(*, session_id: UUID, project_id: UUID, now: datetime) -> None:
    """Cancel a session; on cancelled it changes nothing.

    Raises NotFound, SessionAlreadyEnded.
    """
    _request_end(
        session_id,
        project_id,
        now,
        before=LIVE_STATUSES,
        already=(Status.CANCELLED,),
        changes={
            **ENDED,
            "status": Status.CANCELLED,
            "terminal_outcome": Outcome.CANCELLED,
            "ended_at": now,
        },
    )


def session_attach(
    *,
    session_id: UUID,
    attachment_id: UUID,
    runtime: str,
    arrived_at: datetime,
    now: datetime,
) -> DetectionSession:
    """Take the fence: the newest attachment holds the session, an older one has lost it.

    The newest is the one whose client came last, at `arrived_at`, however long it then waited: what
    waited for longer has often been given up, and its client attached again.

    The first attach starts the session. An attach counts as a message of the client. The session
    comes with its version, and as it is after the last checkpoint of an older attachment. `runtime`
    names the process, as host:pid. Raises NotFound, OrganizationSuspended, ProjectSuspended,
    SessionAlreadyEnded, AttachmentLost, and StateUnreadable, having changed nothing.
    """
    found = DetectionSession.objects.select_related("project__organization")
    admitted = found.defer("engine_state").filter(id=session_id).first()
    if admitted is None:
        raise NotFound("session")
    if admitted.project.organization.suspended_at is not None:
        raise OrganizationSuspended
    if admitted.project.suspended_at is not None:
        raise ProjectSuspended
    longest = Coalesce(
        F("longest_until"),
        Value(now + timedelta(seconds=settings.SESSION_MAX_SECONDS)),
        output_field=DateTimeField(),
    )
    idle = Value(now + idle_limit() + IDLE_SLACK)
    one = DetectionSession.objects.filter(id=session_id)
    with transaction.atomic():
        _settle_locked(one, now)
        is_newest = not _newer_attaches(session_id, runtime, arrived_at).exists()
        free = one.filter(is_of_known_version(), status__in=LIVE_STATUSES, deadline_at__gt=now)
        is_taken = is_newest and free.update(
            status=case(Q(status=Status.CREATED), Status.STREAMING, F("status")),
            started_at=Coalesce(F("started_at"), Value(now)),
            longest_until=longest,
            attachment_id=attachment_id,
            lease_until=now + LEASE,
            deadline_at=case(
                Q(status=Status.FINALIZING),
                now + LEASE + FINALIZING_GRACE,
                Least(longest, idle, output_field=DateTimeField()),
            ),
        )
        if is_taken:
            _note_attach(session_id, attachment_id, runtime, arrived_at, now)
        session = one.select_related("resolved_version").get()
        if is_taken and not is_counted(session):
            store_counts_anew(session)  # what follows is added to them
    if not is_newest and session.status in LIVE_STATUSES:
        raise AttachmentLost
    if not is_taken:
        raise StateUnreadable if session.status in LIVE_STATUSES else already_ended(session)
    return session


def session_detach(
    *,
    session_id: UUID,
    attachment_id: UUID,
    close_code: int,
    last_message_at: datetime,
    now: datetime,
) -> None:
    """Note how an attachment closed; what it still holds, it gives up. Safe to repeat.

    The client may attach again for as long as it would have been let be idle.
    """
    given_up = now + FINALIZING_GRACE
    idle = Value(last_message_at + idle_limit())
    with transaction.atomic():
        with suppress(AttachmentLost):
            update_held(
                session_id,
                attachment_id,
                now,
                attachment_id=None,
                lease_until=None,
                deadline_at=case(
                    Q(status=Status.FINALIZING),
                    given_up,
                    Least(F("longest_until"), idle, output_field=DateTimeField()),
                ),
            )
        SessionAttach.objects.filter(id=attachment_id, detached_at__isnull=True).update(
            detached_at=now, close_code=close_code
        )


def session_abandon(
    *, session_id: UUID, attachment_id: UUID, last_message_at: datetime, now: datetime
) -> None:
    """Streaming → failed, by the runtime whose client has sent nothing for the idle limit.

    Raises AttachmentLost.
    """
    update_held(
        session_id,
        attachment_id,
        now,
        Q(status=Status.STREAMING),
        **ENDED,
        status=Status.FAILED,
        terminal_outcome=Outcome.ABANDONED,
        error_code=SESSION_ABANDONED,
        error_message=ABANDONED_MESSAGE,
        ended_at=last_message_at + idle_limit(),
    )


def session_fail(
    *, session_id: UUID, attachment_id: UUID, code: str, message: str, now: datetime
) -> None:
    """Streaming or finalizing → failed, by the runtime that holds it. Raises AttachmentLost."""
    update_held(
        session_id,
        attachment_id,
        now,
        **ENDED,
        status=Status.FAILED,
        terminal_outcome=Outcome.FAILED,
        error_code=code,
        error_message=message,
        ended_at=now,
    )


def notify_runtimes(session_ids: Iterable[UUID]) -> None:
    """Tell the runtimes, when this transaction commits, to look at these sessions again."""
    ids = [str(id_) for id_ in session_ids]
    if ids:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_notify(%s, id) FROM unnest(%s::text[]) AS id", [CHANNEL, ids])


def already_ended(session: DetectionSession) -> SessionAlreadyEnded:
    """The refusal of whatever is asked of a terminal session."""
    return SessionAlreadyEnded(
        None,
        status=session.status,
        terminal_outcome=session.terminal_outcome,
        accepted_frames_total=session.accepted_frames_total,
    )


def _newer_attaches(
    session_id: UUID, runtime: str, arrived_at: datetime
) -> QuerySet[SessionAttach]:
    """Those that have not closed: one that has can lose nothing."""
    return SessionAttach.objects.filter(
        Q(runtime=runtime) | Q(attached_at__gt=arrived_at + CLOCKS_DIFFER),
        session_id=session_id,
        attached_at__gt=arrived_at,
        detached_at__isnull=True,
    )


def _note_attach(
    session_id: UUID, attachment_id: UUID, runtime: str, arrived_at: datetime, now: datetime
) -> None:
    open_ = SessionAttach.objects.filter(session_id=session_id, detached_at__isnull=True)
    if open_.update(detached_at=now, close_code=SUPERSEDED):
        notify_runtimes([session_id])
    SessionAttach.objects.create(
        id=attachment_id, session_id=session_id, runtime=runtime, attached_at=arrived_at
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
    with transaction.atomic():
        _settle_locked(one, now, project_id)
        if update_live(mine.filter(status__in=before, deadline_at__gt=now), **changes):
            notify_runtimes([session_id])
            return
        session = mine.first()
    if session is None:
        raise NotFound("session")
    if session.status not in already:
        raise already_ended(session)


def _settle_locked(
    one: QuerySet[DetectionSession], now: datetime, project_id: UUID | None = None
) -> None:
    """Lock the session, so that whoever is about to end it is done, then settle it: of any project,
    or of this one.

    Found by its id alone: planned on an empty table, the index of projects passes for as cheap.
    """
    locked = one.order_by().select_for_update(no_key=True)
    for session_id, found_in, deadline_at in locked.values_list("id", "project_id", "deadline_at"):
        is_overdue = deadline_at is not None and deadline_at <= now
        if is_overdue and project_id in (None, found_in):
            session_settle(session_id=session_id, now=now)
