"""The metrics of all endpoints of the database: what waits too long, and who takes nothing."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final

from django.db import DatabaseError, InterfaceError, connection
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from kynaplatform import clock
from webhooks.claims import WAITING
from webhooks.models import WebhookEndpoint

_OLDEST: Final = f"""
WITH RECURSIVE {WAITING}
SELECT min(waiting.due_at)
FROM waiting
JOIN webhook_endpoint AS endpoint ON endpoint.id = waiting.endpoint_id
WHERE endpoint.failing_since IS NULL
    AND endpoint.disabled_at IS NULL AND endpoint.deleted_at IS NULL
"""  # noqa: S608


def oldest_wait(now: datetime) -> timedelta:
    """How long the message that is due longest has waited, of endpoints that take messages."""
    with connection.cursor() as cursor:
        cursor.execute(_OLDEST)
        [due_at] = cursor.fetchone()
    return max(timedelta(0), now - due_at) if due_at else timedelta(0)


def failing_endpoints() -> int:
    """How many endpoints have taken nothing since a try failed, and are not disabled yet."""
    return WebhookEndpoint.objects.filter(
        failing_since__isnull=False, disabled_at__isnull=True, deleted_at__isnull=True
    ).count()


class WebhookCollector(Collector):
    def collect(self) -> Iterator[Metric]:
        with suppress(DatabaseError, InterfaceError):
            yield from self._read()

    def _read(self) -> list[Metric]:
        oldest = GaugeMetricFamily(
            "kyna_webhook_oldest_waiting_seconds",
            "How long ago the earliest message was due that is not being sent, failing ones aside.",
            value=oldest_wait(clock.now()).total_seconds(),
        )
        failing = GaugeMetricFamily(
            "kyna_webhook_endpoints_failing",
            "Endpoints that have taken nothing since a try failed.",
            value=failing_endpoints(),
        )
        return [oldest, failing]
