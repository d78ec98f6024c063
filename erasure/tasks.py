"""The worker of erasures: a batch of each pending erasure in turn, until its time is over.

A batch is a transaction that locks the erasure's row. So a killed worker leaves whole batches, and
another worker takes another erasure. kynaplatform/celery.py says when the task runs.
"""

import logging
import random
import time
from collections import deque
from collections.abc import Iterator
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import IntegrityError, OperationalError, transaction
from django.db.models import F, QuerySet

from erasure import ledger
from erasure.erasures import Batch, owner_go_on, subject_go_on
from erasure.models import Erasure, Kind
from kynaplatform import clock
from kynaplatform.database.connections import is_out_of_reach
from sessions_app.metrics import periodic_task

logger = logging.getLogger("kynaplatform.erasure")

LASTS_SECONDS: Final = 10.0
MAX_CONCURRENT: Final = 1000


@periodic_task
def erase() -> int:
    now = clock.now()
    return erasures_go_on(now=now) + ledger.prune(now=now)


def erasures_go_on(*, now: datetime) -> int:
    """Run pending erasures for LASTS_SECONDS; returns the erased sessions."""
    return sum(batch.sessions for batch in batches_do(now=now))


def batches_do(*, now: datetime) -> Iterator[Batch]:
    """The batches of one run, each done when it is requested."""
    until = time.monotonic() + LASTS_SECONDS
    remaining = [*pending().order_by("requested_at").values_list("id", flat=True)[:MAX_CONCURRENT]]
    # So that no slow or failing erasure always comes first.
    random.shuffle(remaining)
    turns = deque(remaining)
    while turns and time.monotonic() < until:
        id_ = turns.popleft()
        batch = _batch(id_, now)
        if batch.rows and not batch.is_last:
            turns.append(id_)
        yield batch


def pending() -> QuerySet[Erasure]:
    return Erasure.objects.filter(ended_at__isnull=True)


def _batch(erasure_id: UUID, now: datetime) -> Batch:
    """Delete a batch; empty if another worker has the erasure, or if it must wait."""
    try:
        with transaction.atomic():
            locked = pending().select_for_update(skip_locked=True, no_key=True)
            erasure = locked.filter(id=erasure_id).first()
            if erasure is None:
                return Batch(0)
            go_on = subject_go_on if erasure.kind == Kind.SUBJECT else owner_go_on
            batch = go_on(erasure, now=now)
            if batch.sessions or batch.is_last:
                over = {"subject": None, "ended_at": now} if batch.is_last else {}
                Erasure.objects.filter(id=erasure_id).update(
                    sessions=F("sessions") + batch.sessions, **over
                )
            return batch
    except IntegrityError:
        # A row was inserted at this moment: the next run finds it.
        logger.warning(
            "erasure %(id)s goes on later: a row still refers to one that is to go",
            {"id": erasure_id},
        )
    except OperationalError as error:
        if is_out_of_reach(error):
            raise
        logger.warning(
            "erasure %(id)s goes on later: %(error)s", {"id": erasure_id, "error": error}
        )
    return Batch(0)
