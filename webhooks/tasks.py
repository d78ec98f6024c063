"""The task of the workers; kynaplatform/celery.py says when it runs."""

from kynaplatform import clock
from sessions_app.last_runs import periodic_task
from webhooks import retention


@periodic_task
def prune_deliveries() -> int:
    return retention.prune_deliveries(now=clock.now())
