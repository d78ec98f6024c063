"""The task of the workers; kynaplatform/celery.py says when it runs."""

from celery import shared_task

from kynaplatform import clock
from tryout import retention


@shared_task
def prune_tries() -> int:
    return retention.prune_tries(now=clock.now())
