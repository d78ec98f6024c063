"""The task of the workers; kynaplatform/celery.py says when it runs."""

from kynaplatform import clock
from sessions_app.last_runs import periodic_task
from tryout import retention


@periodic_task
def prune_tries() -> int:
    return retention.prune_tries(now=clock.now())
