"""The webhooks of the staff guide's pictures: one that does well, and one that fails."""

import json
from datetime import datetime, timedelta

from projects.models import Project
from sessions_app.models import DetectionSession, Status
from webhooks.endpoints import endpoint_create
from webhooks.messages import bodies
from webhooks.models import DeliveryStatus, MessageType, WebhookDelivery, WebhookEndpoint

SHOWN_OF_EACH = 6
URL = "https://records.riverside.example/kyna"


def make_webhooks(project: Project, now: datetime) -> None:
    """Two endpoints of `project`, with the messages of its sessions that ended last."""
    ended = DetectionSession.objects.filter(project=project, ended_at__isnull=False)
    parts = [ended.filter(status=status) for status in (Status.FAILED, Status.COMPLETED)]
    sessions = [one for part in parts for one in part.order_by("-ended_at")[:SHOWN_OF_EACH]]
    # Of nothing that happens while the pictures are taken: nobody is at these addresses.
    well, _ = endpoint_create(
        project_id=project.id,
        url=URL,
        event_types=[MessageType.SESSION_COMPLETED, MessageType.SESSION_FAILED],
        now=now - timedelta(days=20),
    )
    failing, _ = endpoint_create(
        project_id=project.id,
        url="https://board.riverside.example/hooks/T4c9XbPq20LmZr81ward3",
        event_types=[MessageType.SESSION_FAILED],
        description="The board in the hall of ward 3.",
        now=now - timedelta(days=6),
    )
    WebhookEndpoint.objects.filter(id=failing.id).update(failing_since=now - timedelta(hours=1))
    for session in sessions:
        _delivered(well, session)
        if session.status == Status.FAILED:
            _failed(failing, session, now)


def _told(endpoint: WebhookEndpoint, session: DetectionSession) -> WebhookDelivery:
    failed = session.status == Status.FAILED
    ended_at = session.ended_at or session.created_at
    return WebhookDelivery(
        endpoint=endpoint,
        type=MessageType.SESSION_FAILED if failed else MessageType.SESSION_COMPLETED,
        session_id=session.id,
        sequence=2,
        occurred_at=ended_at,
        created_at=ended_at,
        due_at=ended_at,
    )


def _delivered(endpoint: WebhookEndpoint, session: DetectionSession) -> None:
    delivery = _told(endpoint, session)
    delivery.status = DeliveryStatus.DELIVERED
    delivery.tries, delivery.duration_ms, delivery.response_status = 1, 41, 204
    delivery.tried_at = delivery.created_at + timedelta(milliseconds=90)
    delivery.body = bodies([delivery])[delivery.id]
    delivery.save(force_insert=True)


def _failed(endpoint: WebhookEndpoint, session: DetectionSession, now: datetime) -> None:
    delivery = _told(endpoint, session)
    delivery.tries, delivery.duration_ms, delivery.response_status = 4, 212, 502
    delivery.tried_at = now - timedelta(minutes=3)
    delivery.due_at = now + timedelta(minutes=17)
    delivery.response_body = json.dumps({"error": "the board is away"})
    delivery.failure = "Answered 502."
    delivery.body = bodies([delivery])[delivery.id]
    delivery.save(force_insert=True)
