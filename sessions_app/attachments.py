"""Attachments: a client's connection to a session, from its attach to its detach."""

from contextlib import suppress
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Case, DateTimeField, F, Value, When
from django.db.models.functions import Least

from kynaplatform.api.errors import ApiError, NotFound
from kynaplatform.timing import CLOCKS_DIFFER, FINALIZING_GRACE, IDLE_SLACK, LEASE
from sessions_app.checkpoints import AttachmentLost, update_attached
from sessions_app.downtime import make_up_for_downtime
from sessions_app.finish import StateUnreadable
from sessions_app.lifecycle import SessionAlreadyEnded, notify_runtimes, session_settle
from sessions_app.models import LIVE_STATUSES, DetectionSession, SessionAttach, Status
from sessions_app.session_ends import end_wait, idle_limit, max_session, sessions_await_reader
from sessions_app.stream_state import LABELS

SUPERSEDED = 4409
# The newest of a session. Older ones are deleted.
ATTACHES_KEPT = 50


def session_attach(attach: SessionAttach, *, now: datetime) -> DetectionSession:
    """Take the fence: the newest attachment has the session, an older one has lost it.

    Attaches are ordered by `attached_at`, when their handshake arrived: the one that waited longest
    has often been abandoned. Repeat a try whose answer was lost with its id.

    The first attach starts the session. An attach counts as a message of the client. Returns the
    session with its project, as the last checkpoint stored it. Raises NotFound,
    OrganizationSuspended, ProjectSuspended, SessionAlreadyEnded, AttachmentLost: then nothing was
    changed. Raises StateUnreadable: then the session waits for a process that can read its state.
    """
    make_up_for_downtime(now)
    refusal: Exception | None = None
    with transaction.atomic():
        try:
            session = _attach(attach, now)
        except (ApiError, AttachmentLost, StateUnreadable) as error:
            refusal = error
    # Raised after the commit: what was settled stays, and a rollback would drop psycopg's prepared
    # statements.
    if refusal is not None:
        raise refusal
    return session


def _attach(attach: SessionAttach, now: datetime) -> DetectionSession:
    session_id = attach.session_id
    session = _locked(session_id)
    session.project.require_active()
    if session.is_due(now):
        session_settle(session_id=session_id, now=now)
        session = _locked(session_id)
    if session.status not in LIVE_STATUSES:
        raise SessionAlreadyEnded.of(session)
    of_session = SessionAttach.objects.filter(session_id=session_id)
    noted = list(of_session.order_by("-attached_at"))
    # A closed attach has nothing to lose.
    attached = [one for one in noted if one.detached_at is None and one.id != attach.id]
    for other in attached:
        differ = timedelta(0) if other.runtime == attach.runtime else CLOCKS_DIFFER
        if other.attached_at > attach.attached_at + differ:
            raise AttachmentLost
    if session.is_due(now) or not session.has_known_version:
        sessions_await_reader(DetectionSession.objects.filter(id=session_id), now)
        raise StateUnreadable(_locked(session_id).unreadable_since)
    if session.status == Status.CREATED:
        session.status = Status.STREAMING
    session.started_at = session.started_at or now
    session.longest_until = session.longest_until or now + max_session(session.project)
    session.attachment_id = attach.id
    session.lease_until = now + LEASE
    # One that waits for a reader keeps its deadline until its state is read: `session_is_read`.
    if session.unreadable_since is None:
        if session.status == Status.FINALIZING:
            session.deadline_at = now + LEASE + FINALIZING_GRACE
        else:
            session.deadline_at = min(session.longest_until, now + idle_limit() + IDLE_SLACK)
    session.save(
        update_fields=[
            "status", "started_at", "longest_until", "attachment_id", "lease_until", "deadline_at"
        ]
    )  # fmt: skip
    held = of_session.filter(detached_at__isnull=True).exclude(id=attach.id)
    if attached and held.update(detached_at=now, close_code=SUPERSEDED):
        notify_runtimes([session_id])
    # An earlier try of this attach may have been stored, and its answer lost.
    kept = [one for one in noted if one.id != attach.id][: ATTACHES_KEPT - 1]
    if gone := [one.id for one in noted if one not in kept]:
        of_session.filter(id__in=gone).delete()
    attach.save(force_insert=True)
    return session


def _locked(session_id: UUID) -> DetectionSession:
    """The session, which this waits for while a transaction is ending it. Raises NotFound."""
    known = DetectionSession.objects.select_related("project__organization").defer(*LABELS)
    try:
        return known.select_for_update(of=("self",), no_key=True).get(id=session_id)
    except DetectionSession.DoesNotExist:
        raise NotFound("session") from None


def session_is_read(session: DetectionSession, now: datetime) -> None:
    """The runtime that has just attached to `session` could read its state: it waits no more."""
    attached = DetectionSession.objects.filter(id=session.id, attachment_id=session.attachment_id)
    waiting = attached.filter(unreadable_since__isnull=False, status__in=LIVE_STATUSES)
    end_wait(waiting, now, finalizing_until=now + LEASE + FINALIZING_GRACE)


def session_detach(
    *,
    session_id: UUID,
    attachment_id: UUID,
    close_code: int,
    last_message_at: datetime,
    now: datetime,
) -> None:
    """Note how an attachment closed, and release its session if it still has it. Safe to repeat.

    The client may attach again until its idle limit.
    """
    idle_at = last_message_at + idle_limit()
    make_up_for_downtime(now)
    with transaction.atomic():
        with suppress(AttachmentLost):
            update_attached(
                session_id,
                attachment_id,
                now,
                attachment_id=None,
                lease_until=None,
                deadline_at=Case(
                    When(unreadable_since__isnull=False, then=F("deadline_at")),
                    When(status=Status.FINALIZING, then=now + FINALIZING_GRACE),
                    # A downtime has extended it.
                    When(deadline_at__gt=idle_at + IDLE_SLACK, then=F("deadline_at")),
                    default=Least(F("longest_until"), Value(idle_at), output_field=DateTimeField()),
                ),
            )
        SessionAttach.objects.filter(id=attachment_id, detached_at__isnull=True).update(
            detached_at=now, close_code=close_code
        )


def session_detach_unread(
    *, session_id: UUID, attachment_id: UUID, close_code: int, now: datetime
) -> datetime | None:
    """Detach, and make the session wait for a process that can read its state.

    Returns since when it waits; None where it has ended, was deleted, or another has attached.
    """
    one = DetectionSession.objects.filter(id=session_id)
    with transaction.atomic():
        session_detach(
            session_id=session_id,
            attachment_id=attachment_id,
            close_code=close_code,
            last_message_at=now,
            now=now,
        )
        sessions_await_reader(one, now)
    return one.values_list("unreadable_since", flat=True).first()
