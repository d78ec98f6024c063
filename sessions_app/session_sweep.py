"""The sweep, which ends sessions that no request ends, and the timers of the workers."""

import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import Any
from uuid import UUID

from celery import bootsteps
from django.db import close_old_connections
from django.db.models import Q

from kynaplatform import clock
from kynaplatform.celery import sends_webhooks
from kynaplatform.database.connections import is_lock_timeout, is_outage
from kynaplatform.dependencies import DATABASE
from kynaplatform.timing import BEAT_SECONDS, SWEEP_SECONDS
from projects.models import Project
from sessions_app.checkpoints import AttachmentLost
from sessions_app.downtime import beat, make_up_for_downtime
from sessions_app.finish import session_finish, sessions_read_again
from sessions_app.lifecycle import sessions_end
from sessions_app.metrics import SWEEP, job_run_record
from sessions_app.models import LIVE_STATUSES, DetectionSession, Outcome, Status
from sessions_app.session_ends import ended, sessions_take_back, settle_in_slices

logger = logging.getLogger(__name__)

SWEEP_SLICE = 1000
SUSPENDED_MESSAGE = "The project or its organization was suspended."


def expire_sessions(*, now: datetime, slice_size: int = SWEEP_SLICE) -> int:
    """Settle every overdue session, and cancel the live ones of suspended projects.

    It updates `slice_size` rows a transaction, and two may run at once. Returns how many sessions
    it changed.
    """
    settled = settle_in_slices(DetectionSession.objects.order_by("deadline_at"), now, slice_size)
    sessions_read_again(now)
    finished = _finish_overdue(now, slice_size)
    return settled + finished + suspended_sessions_cancel(now=now, slice_size=slice_size)


def suspended_sessions_cancel(*, now: datetime, slice_size: int = SWEEP_SLICE, **_: Any) -> int:
    """Cancel the live sessions of suspended projects and organizations.

    A suspension calls it, and the sweep, for sessions that were created at the same moment.
    """
    make_up_for_downtime(now)
    of_organization = Q(organization__suspended_at__isnull=False)
    suspensions = {
        "organization_suspended": of_organization,
        "project_suspended": Q(suspended_at__isnull=False) & ~of_organization,
    }
    live = DetectionSession.objects.filter(status__in=LIVE_STATUSES)
    # The overdue ones have ended already, except those that only another process can complete.
    not_ended = live.filter(deadline_at__gt=now) | live.unread(now)
    cancelled = 0
    for code, suspended in suspensions.items():
        projects = list(Project.objects.filter(suspended).values_list("id", flat=True))
        if projects:
            changes = ended(Status.CANCELLED, Outcome.SUSPENDED, now, code, SUSPENDED_MESSAGE)
            cancelled += sessions_end(
                not_ended.filter(project_id__in=projects), changes, slice_size
            )
    return cancelled


def _finish_overdue(now: datetime, slice_size: int) -> int:
    """Finish overdue sessions whose runtime has died, one at a time."""
    overdue = DetectionSession.objects.to_finish(now).order_by("deadline_at")
    finished = 0
    while True:
        ids = list(overdue.values_list("id", flat=True)[:slice_size])
        done = sum(_finish(id_, now) for id_ in ids)
        finished += done
        # The next sweep tries the rest.
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


def read_waiting_sessions(*, now: datetime) -> None:
    """Take back the sessions that wait for a process that can read their state, as this one can.

    Those of them that are due it finishes: it may be the only process that can read their state.
    """
    make_up_for_downtime(now)
    waiting = DetectionSession.objects.awaiting_reader(now).filter(is_state_unreadable=False)
    for session_id in sessions_take_back(waiting, now):
        with suppress(AttachmentLost):
            session_finish(session_id=session_id, now=now)


def sweep(*, now: datetime) -> None:
    expire_sessions(now=now)
    job_run_record(name=SWEEP, now=clock.now())
    read_waiting_sessions(now=clock.now())


class WorkerTimers(bootsteps.StartStopStep):  # type: ignore[misc]
    """Threads of the worker's first process, one for each timer: a long sweep delays no heartbeat.

    They begin once the pool's processes are forked, which must not share their connections, and
    end with the process: during a warm shutdown the worker keeps sweeping.
    """

    requires = {"celery.worker.components:Pool"}

    def include_if(self, worker: Any) -> bool:
        # A sender of webhooks writes no deadline.
        return not sends_webhooks(worker)

    def start(self, worker: Any) -> None:
        for repeated in ((beat, BEAT_SECONDS), (sweep, SWEEP_SECONDS)):
            name = repeated[0].__name__
            threading.Thread(target=self._repeat, args=repeated, name=name, daemon=True).start()

    def _repeat(self, work: Callable[..., None], seconds: float) -> None:
        while True:
            try:
                close_old_connections()
                work(now=clock.now())
            except Exception as error:
                if is_outage(error):
                    DATABASE.record_failure(error)
                else:
                    logger.exception("the timer %(timer)s failed", {"timer": work.__name__})
            time.sleep(seconds)
