"""The queues of Celery's workers."""

from typing import Any, Final

# A worker of this queue sends webhooks, and does nothing else. No message comes by it: what is to
# be sent is in the database.
WEBHOOKS: Final = "webhooks"


def sends_webhooks(worker: Any) -> bool:
    return WEBHOOKS in worker.app.amqp.queues.consume_from
