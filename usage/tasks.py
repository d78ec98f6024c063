"""The task of the workers; kynaplatform/celery.py says when it runs."""

from sessions_app.metrics import periodic_task
from usage import rollup


@periodic_task
def roll_up_usage() -> int:
    rollup.backfill()
    return rollup.roll_up()
