"""The sender in a worker of its queue: `celery -A kynaplatform worker --pool solo -Q webhooks`.

Celery gives it what every worker has: a start and a stop by signals, log lines, `/healthz` and
`/metrics`. The outbox is in the database, and the broker may be away.
"""

import logging
import os
import signal
import threading
from typing import Any

import uvloop
from celery import bootsteps

from kynaplatform.queues import sends_webhooks
from kynaplatform.worker_monitors import health_checks
from webhooks.sender import STOP_SECONDS, Sender

logger = logging.getLogger("kynaplatform.webhooks")


class WorkerSender(bootsteps.StartStopStep):  # type: ignore[misc]
    """A thread of the worker's first process."""

    requires = {"celery.worker.components:Pool"}

    def __init__(self, worker: Any, **_: Any) -> None:
        self._sender = Sender()
        self._thread = threading.Thread(target=self._run, name="webhooks", daemon=True)

    def include_if(self, worker: Any) -> bool:
        return sends_webhooks(worker)

    def start(self, worker: Any) -> None:
        health_checks["sender"] = lambda: not self._sender.is_failing
        self._thread.start()

    def stop(self, worker: Any) -> None:
        self._sender.stop()
        # It ends by itself, after a last turn.
        self._thread.join(STOP_SECONDS + 5)

    terminate = stop

    def _run(self) -> None:
        try:
            uvloop.run(self._sender.run())
        except Exception:
            # A worker that sends nothing is started again.
            logger.exception("the sender of webhooks failed")
            os.kill(os.getpid(), signal.SIGTERM)
