"""Endpoints of tests, and what was written for them."""

from datetime import timedelta
from typing import Any

from kynaplatform import clock
from projects.models import Project
from webhooks.endpoints import endpoint_create
from webhooks.messages import bodies
from webhooks.models import WebhookDelivery, WebhookEndpoint

URL = "http://127.0.0.1:9/hook"


def make_endpoint(project: Project, *types: str, url: str = URL, **more: Any) -> WebhookEndpoint:
    """An endpoint of `types`, or of every type."""
    endpoint, _secret = endpoint_create(
        project_id=project.id, url=url, event_types=[*types] or None, now=clock.now()
    )
    if more:
        WebhookEndpoint.objects.filter(id=endpoint.id).update(**more)
    return endpoint


def told(endpoint: WebhookEndpoint) -> list[tuple[str, int | None]]:
    """The type and sequence of each message that was written for it, in their order."""
    rows = WebhookDelivery.objects.filter(endpoint=endpoint).order_by("created_at")
    return list(rows.values_list("type", "sequence"))


def body_of(endpoint: WebhookEndpoint, type_: str) -> str:
    """The body that its one message of a type would be sent with."""
    delivery = WebhookDelivery.objects.get(endpoint=endpoint, type=type_)
    return bodies([delivery])[delivery.id]


def make_delivery(endpoint: WebhookEndpoint, **more: Any) -> WebhookDelivery:
    """A message that needs no session, due since a moment ago."""
    now = clock.now()
    columns = {
        "type": "movespec.released",
        "data": {"name": "Squat"},
        "occurred_at": now,
        "created_at": now,
        "due_at": now - timedelta(seconds=1),
        **more,
    }
    return WebhookDelivery.objects.create(endpoint=endpoint, **columns)
