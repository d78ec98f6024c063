"""The metrics of all endpoints of the database: what waits too long, and who takes nothing."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from django.db import DatabaseError, InterfaceError, connection
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from kynaplatform import clock
from webhooks.claims import QUICK_SECONDS, WAITING
from webhooks.models import DeliveryStatus, WebhookEndpoint

# A message that has been due for so long is late.
LATE_AFTER: Final = timedelta(minutes=1)
# An organization with a message in that time is active.
ACTIVE_FOR: Final = timedelta(minutes=15)
# The last messages that an endpoint took tell whether it is slow.
LAST_TAKEN: Final = 20

_QUEUE: Final = f"""
WITH RECURSIVE {WAITING},
organization AS (
    SELECT min(waiting.due_at) AS due_at,
        bool_or(waiting.due_at <= %(late_before)s AND COALESCE((
            SELECT avg(duration_ms) <= %(quick_ms)s
            FROM (
                SELECT duration_ms FROM webhook_delivery
                WHERE endpoint_id = endpoint.id AND status = 'delivered'
                ORDER BY created_at DESC LIMIT %(last_taken)s
            ) AS taken
        ), true)) AS is_held_up,
        bool_or(EXISTS (
            SELECT FROM webhook_delivery
            WHERE endpoint_id = endpoint.id AND status = ANY (%(statuses)s)
                AND created_at > %(active_since)s
        )) AS is_active
    FROM webhook_endpoint AS endpoint
    JOIN projects_project AS project ON project.id = endpoint.project_id
    LEFT JOIN waiting ON waiting.endpoint_id = endpoint.id
    WHERE endpoint.failing_since IS NULL
        AND endpoint.disabled_at IS NULL AND endpoint.deleted_at IS NULL
    GROUP BY project.organization_id
)
SELECT min(due_at), count(*) FILTER (WHERE due_at <= %(late_before)s),
    count(*) FILTER (WHERE due_at <= %(late_before)s OR is_active),
    count(*) FILTER (WHERE is_held_up)
FROM organization
"""  # noqa: S608


class Queue(NamedTuple):
    """What waits for endpoints that take messages."""

    oldest: timedelta
    # Organizations with a message that is late; and those with a message in the last minutes too.
    late: int
    active: int
    # Those with one that is late although its receiver answers quickly.
    held_up: int


def queue(now: datetime) -> Queue:
    parameters: dict[str, Any] = {
        "statuses": [*DeliveryStatus],
        "active_since": now - ACTIVE_FOR,
        "late_before": now - LATE_AFTER,
        "quick_ms": QUICK_SECONDS * 1000,
        "last_taken": LAST_TAKEN,
    }
    with connection.cursor() as cursor:
        cursor.execute(_QUEUE, parameters)
        due_at, *organizations = cursor.fetchone()
    return Queue(max(timedelta(0), now - due_at) if due_at else timedelta(0), *organizations)


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
        found = queue(clock.now())
        oldest = GaugeMetricFamily(
            "kyna_webhook_oldest_waiting_seconds",
            "How long ago the earliest message was due that is not being sent, failing ones aside.",
            value=found.oldest.total_seconds(),
        )
        organizations = GaugeMetricFamily(
            "kyna_webhook_organizations",
            "Organizations with a message in 15 minutes, those with one that is a minute late, and"
            " those with one that is late although its receiver answers within 2 s (held_up).",
            labels=["state"],
        )
        organizations.add_metric(["active"], found.active)
        organizations.add_metric(["late"], found.late)
        organizations.add_metric(["held_up"], found.held_up)
        failing = GaugeMetricFamily(
            "kyna_webhook_endpoints_failing",
            "Endpoints that have taken nothing since a try failed.",
            value=failing_endpoints(),
        )
        return [oldest, organizations, failing]
