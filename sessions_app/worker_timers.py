"""The timers of a worker: its heartbeat and the sweep, whatever its tasks or the broker do."""

import logging
import threading
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

from celery import bootsteps
from django.db import close_old_connections

from kynaplatform import clock
from kynaplatform.celery import sends_webhooks
from kynaplatform.database.connections import is_outage
from kynaplatform.dependencies import DATABASE
from kynaplatform.timing import BEAT_SECONDS, SWEEP_SECONDS
from sessions_app.last_runs import SWEEP, last_run_record
from sessions_app.session_sweep import beat, expire_sessions

logger = logging.getLogger("kynaplatform.worker")


def sweep(*, now: datetime) -> None:
    expire_sessions(now=now)
    last_run_record(name=SWEEP, now=clock.now())


class WorkerTimers(bootsteps.StartStopStep):  # type: ignore[misc]
    """Threads of the worker's first process, one for each timer: a long sweep holds no heartbeat.

    They begin once the pool's processes are forked, which must not share their connections, and
    end with the process: a worker that stops sweeps on while its last tasks run.
    """

    requires = {"celery.worker.components:Pool"}

    def include_if(self, worker: Any) -> bool:
        # One that sends webhooks writes no deadline.
        return not sends_webhooks(worker)

    def start(self, worker: Any) -> None:
        for work, seconds in ((beat, BEAT_SECONDS), (sweep, SWEEP_SECONDS)):
            name, repeated = work.__name__, (work, seconds)
            threading.Thread(target=self._repeat, args=repeated, name=name, daemon=True).start()

    def _repeat(self, work: Callable[..., None], seconds: float) -> None:
        while True:
            try:
                close_old_connections()
                work(now=clock.now())
            except Exception as error:
                if is_outage(error):
                    DATABASE.record_failure(error)
                else:
                    logger.exception("the timer %(timer)s failed", {"timer": work.__name__})
            time.sleep(seconds)
