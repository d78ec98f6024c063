"""The sweep, which ends sessions that no request ends, and the heartbeat of who runs it."""

import logging
from contextlib import suppress
from datetime import datetime
from uuid import UUID

from django.db.models import Q

from common.slices import update_in_slices
from kynaplatform.database.connections import is_lock_timeout, is_outage
from projects.models import Project
from sessions_app import absences
from sessions_app.absences import make_up_for_absence
from sessions_app.deadlines import is_to_finish, is_unread, settle_in_chunks
from sessions_app.finish import session_finish, sessions_read_again
from sessions_app.leases import AttachmentLost
from sessions_app.lifecycle import notify_runtimes
from sessions_app.models import LIVE_STATUSES, DetectionSession, Outcome, Status
from sessions_app.session_ends import ended, update_live
from sessions_app.unreadable_states import is_readable, sessions_left, sessions_take_back

logger = logging.getLogger(__name__)

SWEEP_CHUNK = 1000
SUSPENDED_MESSAGE = "The project or its organization was suspended."


def expire_sessions(*, now: datetime, slice_size: int = SWEEP_CHUNK) -> int:
    """Settle every overdue session, and cancel the live ones of suspended projects.

    It takes `slice_size` rows a transaction, and two may run at once. Returns how many sessions it
    changed.
    """
    overdue = DetectionSession.objects.order_by("deadline_at")
    settled = settle_in_chunks(overdue, now, slice_size)
    sessions_read_again(now)
    return (
        settled
        + _finish_overdue(now, slice_size)
        + suspended_sessions_cancel(now=now, slice_size=slice_size)
    )


def suspended_sessions_cancel(*, now: datetime, slice_size: int = SWEEP_CHUNK) -> int:
    """Cancel the live sessions of suspended projects and organizations.

    A suspension calls it, and the sweep, for sessions that were created at the same moment.
    """
    make_up_for_absence(now)
    organization = Q(organization__suspended_at__isnull=False)
    project = Q(suspended_at__isnull=False)
    return _cancel_in(organization, "organization_suspended", now, slice_size) + _cancel_in(
        project & ~organization, "project_suspended", now, slice_size
    )


def _finish_overdue(now: datetime, slice_size: int) -> int:
    """Finish overdue sessions whose runtime has died, one at a time."""
    overdue = DetectionSession.objects.filter(is_to_finish(now)).order_by("deadline_at")
    finished = 0
    while True:
        ids = list(overdue.values_list("id", flat=True)[:slice_size])
        done = sum(_finish(id_, now) for id_ in ids)
        finished += done
        # The rest is another sweep's.
        if len(ids) < slice_size or not done:
            return finished


def _finish(session_id: UUID, now: datetime) -> bool:
    """Finish one session. Returns whether this call did."""
    try:
        session_finish(session_id=session_id, now=now)
    except AttachmentLost:
        return False
    except Exception as error:
        if is_outage(error):
            raise
        # The others don't wait for it: the next sweep comes soon.
        if not is_lock_timeout(error):
            logger.exception("session %(session_id)s can't be finished", {"session_id": session_id})
        return False
    return True


def _cancel_in(suspended: Q, code: str, now: datetime, slice_size: int) -> int:
    """Cancel the live sessions of `suspended` projects.

    Overdue ones have ended already, but for those that an engine would have to complete and that
    this process's can't.
    """
    projects = list(Project.objects.filter(suspended).values_list("id", flat=True))
    if not projects:
        return 0
    live = DetectionSession.objects.filter(
        Q(deadline_at__gt=now) | is_unread(now), project_id__in=projects, status__in=LIVE_STATUSES
    )

    def cancel(ids: list[UUID]) -> None:
        error = {"error_code": code, "error_message": SUSPENDED_MESSAGE}
        changes = ended(Status.CANCELLED, Outcome.SUSPENDED, now, **error)
        update_live(live.filter(id__in=ids), **changes)
        notify_runtimes(ids)

    return update_in_slices(live, cancel, slice_size)


def beat(*, now: datetime) -> None:
    """Make up for an absence, write that this process lives, and take back what it can read.

    What it takes back and is due it finishes: the sweeps may all be of code that can't read it.
    """
    absences.beat(now)
    for session_id in sessions_take_back(sessions_left(now).filter(is_readable()), now):
        with suppress(AttachmentLost):
            session_finish(session_id=session_id, now=now)
