"""The task of the workers; kynaplatform/celery.py says when it runs."""

from sessions_app.metrics import periodic_task
from usage import rollup
from usage.rollup import backfill


@periodic_task
def roll_up_usage() -> int:
    backfill()
    return rollup.roll_up()
