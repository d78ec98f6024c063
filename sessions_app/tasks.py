"""The tasks of the workers; kynaplatform/celery.py says when each runs."""

from celery import shared_task

from kynaplatform import clock
from sessions_app import expiry, retention


@shared_task
def expire_sessions() -> int:
    return expiry.expire_sessions(now=clock.now())


@shared_task
def prune_expired() -> int:
    now = clock.now()
    return (
        retention.forget_idempotency_keys(now=now)
        + retention.prune_signing_keys(now=now)
        + retention.prune_access_tokens(now=now)
        + retention.prune_staff_sessions(now=now)
    )
