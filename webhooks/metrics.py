"""The metrics of all endpoints of the database: how late messages are, and who accepts none."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from django.db import connection
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from kynaplatform import clock
from webhooks.claims import QUICK_SECONDS, WAITING
from webhooks.models import DeliveryStatus, WebhookEndpoint

# A message is late once it has been due for this long.
LATE_AFTER: Final = timedelta(minutes=1)
# An organization is active if it had a message in this time.
ACTIVE_FOR: Final = timedelta(minutes=15)
# An endpoint's last deliveries, by which it is slow or quick.
LAST_TAKEN: Final = 20

_QUEUE: Final = f"""
WITH RECURSIVE {WAITING},
organization AS (
    SELECT min(waiting.due_at) AS due_at,
        bool_or(waiting.due_at <= %(late_before)s AND COALESCE((
            SELECT avg(duration_ms) <= {1000 * QUICK_SECONDS}
            FROM (
                SELECT duration_ms FROM webhook_delivery
                WHERE endpoint_id = endpoint.id AND status = 'delivered'
                ORDER BY created_at DESC LIMIT {LAST_TAKEN}
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
    """How late messages are, to endpoints that accept them; counts are of organizations."""

    oldest: timedelta  # how long ago the earliest message was due
    late: int
    active: int  # with any message in ACTIVE_FOR
    held_up: int  # with a late one to a quick receiver


def queue(now: datetime) -> Queue:
    parameters: dict[str, Any] = {
        "statuses": [*DeliveryStatus],
        "active_since": now - ACTIVE_FOR,
        "late_before": now - LATE_AFTER,
    }
    with connection.cursor() as cursor:
        cursor.execute(_QUEUE, parameters)
        due_at, *organizations = cursor.fetchone()
    return Queue(max(timedelta(0), now - due_at) if due_at else timedelta(0), *organizations)


def webhook_metrics() -> Iterator[Metric]:
    found = queue(clock.now())
    failing = WebhookEndpoint.objects.filter(
        failing_since__isnull=False, disabled_at__isnull=True, deleted_at__isnull=True
    ).count()
    yield GaugeMetricFamily(
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
    for state in ("active", "late", "held_up"):
        organizations.add_metric([state], getattr(found, state))
    yield organizations
    yield GaugeMetricFamily(
        "kyna_webhook_endpoints_failing",
        "Endpoints that have taken nothing since a try failed.",
        value=failing,
    )
