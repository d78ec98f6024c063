"""The sweep: what ends sessions though nobody asks. Deadlines first, then suspensions."""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Q

from projects.models import Project
from sessions_app.deadlines import as_due, is_due
from sessions_app.lifecycle import ENDED, notify_runtimes
from sessions_app.models import LIVE_STATUSES, DetectionSession, Outcome, Status

SWEEP_BATCH = 1000
SUSPENDED_MESSAGE = "The project or its organization was suspended."


def expire_sessions(*, now: datetime, batch: int = SWEEP_BATCH) -> int:
    """Settle every overdue session, `batch` rows a transaction; safe to run twice at once.

    Also ends the live sessions of what was suspended. Answers how many sessions it changed.
    """
    changed = 0
    while True:
        with transaction.atomic():
            overdue = DetectionSession.objects.filter(is_due(now)).order_by("deadline_at")
            ids = list(
                overdue.select_for_update(skip_locked=True, no_key=True).values_list(
                    "id", flat=True
                )[:batch]
            )
            if ids:
                DetectionSession.objects.filter(is_due(now), id__in=ids).update(**as_due(now))
        changed += len(ids)
        if len(ids) < batch:
            break
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
    cancelled = 0
    while projects:
        live = DetectionSession.objects.filter(
            project_id__in=projects, status__in=LIVE_STATUSES, deadline_at__gt=now
        )
        with transaction.atomic():
            ids = list(
                live.select_for_update(skip_locked=True, no_key=True).values_list("id", flat=True)[
                    :batch
                ]
            )
            live.filter(id__in=ids).update(
                **ENDED,
                status=Status.CANCELLED,
                terminal_outcome=Outcome.SUSPENDED,
                error_code=code,
                error_message=SUSPENDED_MESSAGE,
                ended_at=now,
            )
            notify_runtimes(ids)
        cancelled += len(ids)
        if len(ids) < batch:
            break
    return cancelled
