"""The tasks of the workers; kynaplatform/celery.py says when each runs."""

from celery import shared_task

from kynaplatform import clock
from projects.access_tokens import prune_access_tokens
from projects.signing import prune_signing_keys
from sessions_app import retention
from sessions_app.metrics import periodic_task
from sessions_app.session_ends import leftover_states_drop


# Beat of 758aead sends it, which may run beside this worker, and its messages last for an hour. The
# worker sweeps by its own timer. It goes with the release after.
@shared_task
def expire_sessions() -> int:
    return 0


@periodic_task
def prune_expired() -> int:
    now = clock.now()
    return (
        retention.forget_idempotency_keys(now=now)
        + prune_signing_keys(now=now)
        + prune_access_tokens(now=now)
        + retention.prune_staff_sessions(now=now)
        + retention.prune_staff_log(now=now)
        + leftover_states_drop(now=now)
    )


@periodic_task
def make_event_partitions() -> int:
    kept_days = retention.kept_of().events
    return retention.event_partitions_make(now=clock.now(), kept_days=kept_days)


@periodic_task
def apply_retention() -> int:
    return retention.retention_apply(now=clock.now())
