"""The task of the workers; kynaplatform/celery.py says when it runs."""

from erasure import ledger
from erasure.worker import erasures_go_on
from kynaplatform import clock
from sessions_app.last_runs import periodic_task


@periodic_task
def erase() -> int:
    now = clock.now()
    return erasures_go_on(now=now) + ledger.prune(now=now)
