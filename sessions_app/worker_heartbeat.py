"""The heartbeat of a worker: a thread of its first process, whatever its tasks wait for."""

import logging
import threading
from typing import Any

from celery import bootsteps
from django.db import InterfaceError, OperationalError, close_old_connections

from kynaplatform import clock
from kynaplatform.dependencies import DATABASE
from kynaplatform.queues import sends_webhooks
from kynaplatform.timing import BEAT_SECONDS
from sessions_app.heartbeat import beat

logger = logging.getLogger("kynaplatform.absences")


class WorkerHeartbeat(bootsteps.StartStopStep):  # type: ignore[misc]
    """Begins once the pool's processes are forked, which must not share its connection."""

    requires = {"celery.worker.components:Pool"}

    def __init__(self, worker: Any, **_: Any) -> None:
        self._is_over = threading.Event()

    def include_if(self, worker: Any) -> bool:
        # One that sends webhooks writes no deadline.
        return not sends_webhooks(worker)

    def start(self, worker: Any) -> None:
        threading.Thread(target=self._beat, name="heartbeat", daemon=True).start()

    def stop(self, worker: Any) -> None:
        self._is_over.set()

    terminate = stop

    def _beat(self) -> None:
        while True:
            close_old_connections()
            try:
                beat(now=clock.now())
            except (OperationalError, InterfaceError) as error:
                DATABASE.met(error)
            except Exception:
                logger.exception("the heartbeat can't be written")
            if self._is_over.wait(BEAT_SECONDS):
                return
