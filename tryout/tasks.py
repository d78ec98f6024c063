"""The task of the workers; kynaplatform/celery.py says when it runs."""

from datetime import datetime, timedelta

from common.slices import update_in_slices
from kynaplatform import clock
from sessions_app.lifecycle import sessions_remove
from sessions_app.metrics import periodic_task
from sessions_app.models import DetectionSession
from tryout.project import PROJECT_ID

KEPT = timedelta(days=1)
# The sessions that one transaction deletes, each with up to thousands of events.
SLICE = 10


def tries_delete(*, now: datetime) -> int:
    """Delete the page's sessions that ended a day ago, with their events and attaches.

    Safe to run twice at once. Returns the number of deleted sessions.
    """
    until = now - KEPT
    # None ends before it is created: so the index of created_at serves.
    ended = DetectionSession.objects.filter(
        project_id=PROJECT_ID, created_at__lt=until, ended_at__lt=until
    )
    return update_in_slices(ended.order_by("created_at"), sessions_remove, SLICE)


@periodic_task
def prune_tries() -> int:
    return tries_delete(now=clock.now())
