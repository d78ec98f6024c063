"""The sweep: what ends sessions though nobody asks. Deadlines first, then suspensions."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Q

from projects.models import Project
from sessions_app.batches import change_in_batches
from sessions_app.deadlines import as_due, is_due
from sessions_app.lifecycle import ENDED, notify_runtimes
from sessions_app.models import LIVE_STATUSES, DetectionSession, Outcome, Status

SWEEP_BATCH = 1000
SUSPENDED_MESSAGE = "The project or its organization was suspended."


def expire_sessions(*, now: datetime, batch: int = SWEEP_BATCH) -> int:
    """Settle every overdue session, `batch` rows a transaction; safe to run twice at once.

    Also ends the live sessions of what was suspended. Answers how many sessions it changed.
    """
    overdue = DetectionSession.objects.filter(is_due(now))
    changed = change_in_batches(
        overdue.order_by("deadline_at"),
        lambda ids: overdue.filter(id__in=ids).update(**as_due(now)),
        batch,
    )
    return changed + suspended_sessions_cancel(now=now, batch=batch)


def suspended_sessions_cancel(*, now: datetime, batch: int = SWEEP_BATCH) -> int:
    """Cancel what is live in suspended projects and organizations."""
    organization = Q(organization__suspended_at__isnull=False)
    project = Q(suspended_at__isnull=False)
    return _suspend(organization, "organization_suspended", now, batch) + _suspend(
        project & ~organization, "project_suspended", now, batch
    )


def end_suspended_sessions(*, now: datetime, **_: Any) -> None:
    """Receiver of `projects.suspension.suspended`. The sweep finds what raced with it."""
    suspended_sessions_cancel(now=now)


def _suspend(suspended: Q, code: str, now: datetime, batch: int) -> int:
    """Cancel the live sessions of what is `suspended`; what is overdue has ended already."""
    projects = list(Project.objects.filter(suspended).values_list("id", flat=True))
    if not projects:
        return 0
    live = DetectionSession.objects.filter(
        project_id__in=projects, status__in=LIVE_STATUSES, deadline_at__gt=now
    )

    def cancel(ids: list[UUID]) -> None:
        live.filter(id__in=ids).update(
            **ENDED,
            status=Status.CANCELLED,
            terminal_outcome=Outcome.SUSPENDED,
            error_code=code,
            error_message=SUSPENDED_MESSAGE,
            ended_at=now,
        )
        notify_runtimes(ids)

    return change_in_batches(live, cancel, batch)
