"""Every transition of a session, written once: API, admin, worker and runtime call these.

A state moves by one guarded UPDATE, and its row count decides. Deadlines come first: each
function settles what is overdue, so it finds the session as the sweep would have left it.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Case, DateTimeField, F, Q, Value, When
from django.db.models.expressions import Combinable
from django.db.models.functions import Coalesce, Greatest, Least

from kynaplatform.api.errors import (
    NotFound,
    OrganizationSuspended,
    ProjectSuspended,
    SessionAlreadyEnded,
)
from projects.models import Project
from sessions_app.deadlines import FINALIZING_GRACE, as_due, is_attached, is_due
from sessions_app.models import LIVE_STATUSES, DetectionSession, Outcome, Status

LEASE = timedelta(seconds=30)
# The runtime writes the idle deadline at most this often, so a stored one is never too early.
IDLE_SLACK = timedelta(seconds=10)
# Runtimes listen on it; the payload is the session's id.
CHANNEL = "kyna_session"
# What every end does to the columns of a live session.
ENDED: dict[str, Any] = {
    "finishing_outcome": None,
    "deadline_at": None,
    "attachment_id": None,
    "lease_until": None,
}
_RENEW = """
UPDATE detection_session AS session
SET lease_until = %(lease_until)s::timestamptz,
    deadline_at = CASE
        WHEN session.status = 'finalizing' THEN %(finalizing_deadline)s::timestamptz
        ELSE LEAST(session.longest_until, GREATEST(session.deadline_at, held.idle_deadline))
    END
FROM unnest(
    %(session_ids)s::uuid[], %(attachment_ids)s::uuid[], %(idle_deadlines)s::timestamptz[]
) AS held (session_id, attachment_id, idle_deadline)
WHERE session.id = held.session_id AND session.attachment_id = held.attachment_id
    AND session.status IN ('streaming', 'finalizing')
    AND session.deadline_at > %(now)s::timestamptz
"""


class AttachmentLost(Exception):
    """Someone newer is attached, or the session has ended: stop."""


class Attachment(NamedTuple):
    """What a runtime holds, and when its client last sent a message."""

    session_id: UUID
    attachment_id: UUID
    last_message_at: datetime


def session_settle(*, session_id: UUID, now: datetime) -> None:
    """Do to one session what the sweep would."""
    DetectionSession.objects.filter(is_due(now), id=session_id).update(**as_due(now))


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
            "status": _if(attached, Status.FINALIZING, Status.COMPLETED),
            "terminal_outcome": _if(attached, None, Outcome.COMPLETED),
            "finishing_outcome": _if(attached, Outcome.COMPLETED, None),
            "ended_at": _if(attached, None, now),
            "deadline_at": _if(attached, F("lease_until") + Value(FINALIZING_GRACE), None),
            "attachment_id": _if(attached, F("attachment_id"), None),
            "lease_until": _if(attached, F("lease_until"), None),
        },
    )


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


def session_attach(*, session_id: UUID, attachment_id: UUID, now: datetime) -> DetectionSession:
    """Take the fence: the newest attachment holds the session, an older one has lost it.

    The first attach starts the session. An attach counts as a message of the client. Raises
    NotFound, OrganizationSuspended, ProjectSuspended, SessionAlreadyEnded.
    """
    project = Project.objects.select_related("organization").filter(sessions=session_id).first()
    if project is None:
        raise NotFound("session")
    if project.organization.suspended_at is not None:
        raise OrganizationSuspended
    if project.suspended_at is not None:
        raise ProjectSuspended
    lease_until = now + LEASE
    longest = Coalesce(
        F("longest_until"),
        Value(now + timedelta(seconds=settings.SESSION_MAX_SECONDS)),
        output_field=DateTimeField(),
    )
    with transaction.atomic():
        session_settle(session_id=session_id, now=now)
        attached = DetectionSession.objects.filter(
            id=session_id, status__in=LIVE_STATUSES, deadline_at__gt=now
        ).update(
            status=_if(Q(status=Status.CREATED), Status.STREAMING, F("status")),
            started_at=Coalesce(F("started_at"), Value(now)),
            longest_until=longest,
            attachment_id=attachment_id,
            lease_until=lease_until,
            deadline_at=_deadline(lease_until, longest, Value(_idle_deadline(now))),
        )
        session = DetectionSession.objects.get(id=session_id)
    if not attached:
        raise _already_ended(session)
    return session


def session_checkpoint(
    *,
    session_id: UUID,
    attachment_id: UUID,
    checkpoint_number: int,
    engine_state: dict[str, Any],
    accepted_frames: int,
    last_message_at: datetime,
    now: datetime,
) -> None:
    """Store the engine's state after `accepted_frames` more frames; renews the lease.

    `checkpoint_number` is one more than the last. Raises AttachmentLost, having changed nothing.
    """
    lease_until = now + LEASE
    idle = Greatest(F("deadline_at"), Value(_idle_deadline(last_message_at)))
    _update_held(
        session_id,
        attachment_id,
        now,
        Q(checkpoint_number=checkpoint_number - 1),
        checkpoint_number=checkpoint_number,
        engine_state=engine_state,
        accepted_frames_total=F("accepted_frames_total") + accepted_frames,
        lease_until=lease_until,
        deadline_at=_deadline(lease_until, F("longest_until"), idle),
    )


def leases_renew(*, attachments: Iterable[Attachment], now: datetime) -> int:
    """Renew the leases of one runtime's attachments; answers how many it still holds.

    Also moves the idle deadlines: a client that only pings is not idle.
    """
    held = list(attachments)
    overdue = DetectionSession.objects.filter(is_due(now), id__in=[one.session_id for one in held])
    overdue.filter(attachment_id__in=[one.attachment_id for one in held]).update(**as_due(now))
    with connection.cursor() as cursor:
        cursor.execute(
            _RENEW,
            {
                "now": now,
                "lease_until": now + LEASE,
                "finalizing_deadline": now + LEASE + FINALIZING_GRACE,
                "session_ids": [one.session_id for one in held],
                "attachment_ids": [one.attachment_id for one in held],
                "idle_deadlines": [_idle_deadline(one.last_message_at) for one in held],
            },
        )
        return int(cursor.rowcount)


def session_complete(
    *, session_id: UUID, attachment_id: UUID, checkpoint_number: int, now: datetime
) -> None:
    """Finalizing → completed, by the runtime that holds it and has stored everything.

    `checkpoint_number` is the last one stored. Raises AttachmentLost.
    """
    _update_held(
        session_id,
        attachment_id,
        now,
        Q(status=Status.FINALIZING, checkpoint_number=checkpoint_number),
        **ENDED,
        status=Status.COMPLETED,
        terminal_outcome=F("finishing_outcome"),
        ended_at=_if(Q(finishing_outcome=Outcome.MAX_DURATION), F("longest_until"), now),
    )


def session_fail(
    *, session_id: UUID, attachment_id: UUID, code: str, message: str, now: datetime
) -> None:
    """Streaming or finalizing → failed, by the runtime that holds it. Raises AttachmentLost."""
    _update_held(
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


def _update_held(
    session_id: UUID, attachment_id: UUID, now: datetime, /, *guards: Q, **changes: Any
) -> None:
    """Change the session that `attachment_id` holds; raises AttachmentLost.

    Only when that finds nothing is it looked whether a deadline has passed: the longest session
    leaves it finalizing and still held.
    """
    mine = DetectionSession.objects.filter(id=session_id, attachment_id=attachment_id)
    held = mine.filter(
        *guards, status__in=(Status.STREAMING, Status.FINALIZING), deadline_at__gt=now
    )
    if held.update(**changes):
        return
    if not (mine.filter(is_due(now)).update(**as_due(now)) and held.update(**changes)):
        raise AttachmentLost


def _request_end(
    session_id: UUID,
    project_id: UUID,
    now: datetime,
    *,
    before: Iterable[str],
    already: Iterable[str],
    changes: dict[str, Any],
) -> None:
    mine = DetectionSession.objects.filter(id=session_id, project_id=project_id)
    with transaction.atomic():
        mine.filter(is_due(now)).update(**as_due(now))
        if mine.filter(status__in=before, deadline_at__gt=now).update(**changes):
            notify_runtimes([session_id])
            return
        session = mine.first()
    if session is None:
        raise NotFound("session")
    if session.status not in already:
        raise _already_ended(session)


def _idle_deadline(last_message_at: datetime) -> datetime:
    return last_message_at + timedelta(seconds=settings.SESSION_IDLE_SECONDS) + IDLE_SLACK


def _deadline(lease_until: datetime, longest: Combinable, idle: Combinable) -> Case:
    return _if(
        Q(status=Status.FINALIZING),
        lease_until + FINALIZING_GRACE,
        Least(longest, idle, output_field=DateTimeField()),
    )


def _if(condition: Q, then: object, otherwise: object) -> Case:
    return Case(When(condition, then=_value(then)), default=_value(otherwise))


def _value(value: object) -> Combinable:
    return value if isinstance(value, Combinable) else Value(value)


def notify_runtimes(session_ids: Iterable[UUID]) -> None:
    """Tell the runtimes, when this transaction commits, to look at these sessions again."""
    ids = [str(id_) for id_ in session_ids]
    if ids:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_notify(%s, id) FROM unnest(%s::text[]) AS id", [CHANNEL, ids])


def _already_ended(session: DetectionSession) -> SessionAlreadyEnded:
    return SessionAlreadyEnded(
        None,
        status=session.status,
        terminal_outcome=session.terminal_outcome,
        accepted_frames_total=session.accepted_frames_total,
    )
