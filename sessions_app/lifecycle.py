"""The transitions of a session, each written once: API, admin, worker and runtime call these.

Those that a request asks for settle a passed deadline first, so they find the session as the sweep
would have left it. Those of a runtime settle it when no row matches; `sessions_end` never does.
Attaches are in attachments.py, checkpoints and leases in checkpoints.py, a session's finish in
finish.py.
"""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any, Final, Self
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Case, F, Q, QuerySet, Value, When
from django.dispatch import Signal

from common.slices import SLICE, update_in_slices
from kynaplatform.api.errors import ApiError, Conflict, NotFound
from kynaplatform.logs import served_request_id
from kynaplatform.timing import FINALIZING_GRACE, IDLE_SLACK
from sessions_app.checkpoints import AttachmentLost, update_attached
from sessions_app.downtime import make_up_for_downtime
from sessions_app.finish import session_finish
from sessions_app.models import LIVE_STATUSES, DetectionSession, Outcome, SessionQuerySet, Status
from sessions_app.session_ends import (
    RUNTIME_ERROR,
    SESSION_ABANDONED,
    ended,
    idle_limit,
    settle,
    update_live,
)

# The channel that runtimes listen on. The payload is the session's id.
CHANNEL = "kyna_session"


class SessionAlreadyEnded(ApiError):
    status, code = 409, "session_already_ended"
    sentence = "The session has already ended."
    example_details = {
        "status": "cancelled",
        "terminal_outcome": "expired",
        "accepted_frames_total": 0,
    }

    @classmethod
    def of(cls, session: DetectionSession) -> Self:
        return cls(None, **{name: getattr(session, name) for name in cls.example_details})


def session_settle(*, session_id: UUID, now: datetime) -> None:
    """Settle one session as the sweep would."""
    one = DetectionSession.objects.filter(id=session_id)
    if one.due(now).exists():
        settle(one, now)
        # AttachmentLost: there was nothing to finish, or another has just finished it.
        with suppress(AttachmentLost):
            session_finish(session_id=session_id, now=now)


def settle_locked(one: SessionQuerySet, now: datetime, project_id: UUID) -> None:
    """Lock a project's session, after any transaction that is ending it, and settle it.

    The statement names only its id: a plan that was kept from an empty table might read the index
    of projects instead.
    """
    locked = one.order_by().select_for_update(no_key=True)
    for session in locked.only("id", "project_id", "deadline_at"):
        if session.is_due(now) and session.project_id == project_id:
            session_settle(session_id=session.id, now=now)


def session_finalize(*, session_id: UUID, project_id: UUID, now: datetime) -> None:
    """Complete a session, at once or by the runtime that is attached to it.

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
            "deadline_at": Case(
                When(  # attached: the runtime finishes it
                    attachment_id__isnull=False,
                    lease_until__gt=now,
                    then=F("lease_until") + Value(FINALIZING_GRACE),
                ),
                # It waits for a process that can read its state.
                When(unreadable_since__isnull=False, then=F("deadline_at")),
                # Due now: if this process dies here, the sweep finishes it.
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

    Raises AttachmentLost, also where a downtime has extended that limit.
    """
    idle_at = last_message_at + idle_limit()
    make_up_for_downtime(now)
    update_attached(
        session_id,
        attachment_id,
        now,
        Q(status=Status.STREAMING, deadline_at__lte=idle_at + IDLE_SLACK),
        **ended(Status.FAILED, Outcome.ABANDONED, idle_at, SESSION_ABANDONED),
    )


def session_fail(*, session_id: UUID, attachment_id: UUID, message: str, now: datetime) -> None:
    """Fail a session that is streaming or finalizing. Raises AttachmentLost."""
    changes = ended(Status.FAILED, Outcome.FAILED, now, RUNTIME_ERROR, message)
    update_attached(session_id, attachment_id, now, **changes)


def notify_runtimes(session_ids: Iterable[UUID]) -> None:
    """Tell the runtimes, when this transaction commits, to read these sessions again."""
    ids = [str(id_) for id_ in session_ids]
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, id) FROM unnest(%s::text[]) AS id", [CHANNEL, ids])


def sessions_end(live: SessionQuerySet, changes: dict[str, Any], slice_size: int = SLICE) -> int:
    """Write an end to live sessions, except locked ones, and tell their runtimes."""

    def end(ids: list[UUID]) -> None:
        update_live(live.filter(id__in=ids), **changes)
        notify_runtimes(ids)

    return update_in_slices(live, end, slice_size)


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
    make_up_for_downtime(now)
    with transaction.atomic():
        settle_locked(one, now, project_id)
        if update_live(mine.filter(status__in=before, deadline_at__gt=now), **changes):
            notify_runtimes([session_id])
            return
        session = mine.first()
    if session is None:
        raise NotFound("session")
    if session.status not in already:
        raise SessionAlreadyEnded.of(session)


# --- Removal ------------------------------------------------------------------------------

# Sent with `ids` and `now`, inside the transaction that erases them. The erasure ledger notes them.
erased = Signal()

# What one transaction removes.
MAX_SESSIONS: Final = 500
MAX_EVENTS: Final = 20_000

# The ids are a parameter and not a subquery, so PostgreSQL reads each table by its key.
_REMOVE: Final = """
WITH events AS (DELETE FROM detection_event WHERE session_id = ANY (%(ids)s::uuid[])),
attaches AS (DELETE FROM session_attach WHERE session_id = ANY (%(ids)s::uuid[])),
history AS (
    DELETE FROM django_admin_log WHERE object_id = ANY (%(ids)s::uuid[]::text[])
)
DELETE FROM detection_session WHERE id = ANY (%(ids)s::uuid[])
    -- For the trigger of webhooks, until the transaction ends.
    AND (
        SELECT set_config('kyna.deletion', %(deletion)s, true)
            || set_config('kyna.request_id', %(request_id)s, true)
    ) IS NOT NULL
"""


def sessions_remove(ids: Sequence[UUID], *, is_single: bool = False) -> list[UUID]:
    """Remove those of `ids` that have ended, with all that refers to them. Returns their ids.

    Their idempotency keys are free. A trigger (webhooks/triggers.py) empties their
    deliveries and writes one `sessions.deleted` for each endpoint, or `session.deleted` if
    `is_single`. It is one transaction, which the caller bounds (`within_a_batch`). Rows are locked
    in the order of their ids, so that two at once don't deadlock.
    """
    removable = DetectionSession.objects.ended().filter(id__in=ids)
    with transaction.atomic():
        locked = [*removable.order_by("id").select_for_update().values_list("id", flat=True)]
        if locked:
            with connection.cursor() as cursor:
                parameters = {
                    "ids": locked,
                    "deletion": "single" if is_single else "batch",
                    "request_id": served_request_id.get(),
                }
                cursor.execute(_REMOVE, parameters)
    return locked


def sessions_erase(ids: Sequence[UUID], *, now: datetime, is_single: bool = False) -> int:
    """Remove sessions and note them in the ledger, so that a restored backup erases them again.

    Returns how many.
    """
    with transaction.atomic():
        removed = sessions_remove(ids, is_single=is_single)
        if removed:
            erased.send(sender=DetectionSession, ids=removed, now=now)
    return len(removed)


def session_erase(*, session_id: UUID, project_id: UUID, now: datetime) -> None:
    """Erase a session of the project. Raises NotFound, and Conflict for one that has not ended."""
    one = DetectionSession.objects.filter(id=session_id)
    make_up_for_downtime(now)
    with transaction.atomic():
        settle_locked(one, now, project_id)
        is_there = one.filter(project_id=project_id).exists()
        is_erased = is_there and sessions_erase([session_id], now=now, is_single=True) > 0
    if not is_there:
        raise NotFound("session")
    if not is_erased:
        raise Conflict("The session has not ended: finalize or cancel it first.")


def within_a_batch(sessions: QuerySet[DetectionSession]) -> list[UUID]:
    """The ids of the first of `sessions`, as many as one transaction removes."""
    ids: list[UUID] = []
    events = 0
    for id_, events_total in sessions.values_list("id", "events_total")[:MAX_SESSIONS]:
        events += events_total
        if ids and events > MAX_EVENTS:
            break
        ids.append(id_)
    return ids
