"""Replays and redeliveries: what was not delivered is queued again."""

from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Now
from uuid_utils.compat import uuid7

from kynaplatform.api.errors import Conflict
from kynaplatform.logs.lines import served_request_id
from sessions_app.models import DetectionSession
from webhooks.endpoints import DisabledByStaff
from webhooks.models import (
    DeliveryStatus,
    DisabledReason,
    MessageType,
    WebhookDelivery,
    WebhookEndpoint,
)

# The sender's turns of a replay are a second apart.
REPLAYED_A_TURN: Final = 100
UNDELIVERED: Final = (DeliveryStatus.FAILED, DeliveryStatus.HELD)


class SessionDeleted(Conflict):
    sentence = "The session of the message was deleted: it can't be sent again."


def replays_go_on() -> None:
    """A turn of every replay: queue the oldest of what it has left."""
    replayed = WebhookEndpoint.objects.filter(replay_since__isnull=False, disabled_at__isnull=True)
    for id_ in replayed.values_list("id", flat=True):
        with transaction.atomic():
            # One that another sender has locked is that one's turn.
            free = replayed.select_for_update(skip_locked=True, no_key=True)
            if (endpoint := free.filter(id=id_).first()) is not None:
                _replay_go_on(endpoint)


def _replay_go_on(endpoint: WebhookEndpoint) -> None:
    """The next turn begins where this one ends. The last finds fewer than it could take."""
    since, until = endpoint.replay_since, endpoint.replay_until
    if since is None or until is None:
        return
    left = undelivered(endpoint.id, since, until).select_for_update(skip_locked=True, of=("self",))
    taken = sorted(
        found
        # Of each status by itself the index gives the earliest.
        for status in UNDELIVERED
        for found in left.filter(status=status)
        .order_by("created_at")
        .values_list("created_at", "id")[:REPLAYED_A_TURN]
    )[:REPLAYED_A_TURN]
    WebhookDelivery.objects.filter(id__in=[id_ for _, id_ in taken]).update(
        status=DeliveryStatus.WAITING, tries=0, due_at=Now()
    )
    if len(taken) < REPLAYED_A_TURN:
        endpoint.replay_since = endpoint.replay_until = None
    else:
        endpoint.replay_since = taken[-1][0]
    endpoint.save(update_fields=["replay_since", "replay_until"])


def replay_begin(*, endpoint: WebhookEndpoint, since: datetime, now: datetime) -> int:
    """Have the sender queue again what was not delivered since then. Returns how many those are.

    A replay that is under way goes on from the earlier of both. Raises Conflict for a disabled one.
    """
    _require_enabled(endpoint)
    # A client's moment may be one that the database can store and nobody can load, such as the
    # first of year 1 by an offset.
    since = min(max(since, endpoint.created_at), now)
    if endpoint.replay_since is not None:
        since = min(endpoint.replay_since, since)
    WebhookEndpoint.objects.filter(id=endpoint.id).update(replay_since=since, replay_until=now)
    return undelivered(endpoint.id, since, now).count()


def undelivered(endpoint_id: UUID, since: datetime, until: datetime) -> QuerySet[WebhookDelivery]:
    """What a replay sends again. What was told of a session that is deleted is not."""
    return can_be_made(
        WebhookDelivery.objects.filter(
            endpoint_id=endpoint_id,
            status__in=UNDELIVERED,
            created_at__gte=since,
            created_at__lte=until,
        )
    )


def can_be_made(deliveries: QuerySet[WebhookDelivery]) -> QuerySet[WebhookDelivery]:
    """Those that hold no record of a session that was deleted, which can't be read again."""
    session = DetectionSession.objects.filter(id=OuterRef("session_id"))
    return deliveries.filter(
        Q(session_id__isnull=True) | Q(type=MessageType.SESSION_DELETED) | Exists(session)
    )


def delivery_redeliver(*, endpoint: WebhookEndpoint, delivery_id: UUID, now: datetime) -> None:
    """Send a message again, with its `webhook-id`, now.

    One that is being sent at this moment is left to that. Raises Conflict where the endpoint is
    disabled, and where the message is about a session that was deleted.
    """
    _require_enabled(endpoint)
    one = WebhookDelivery.objects.filter(id=delivery_id, endpoint_id=endpoint.id)
    with transaction.atomic():
        # A deletion of the session empties the row: whichever comes second sees the other.
        one.select_for_update(no_key=True).first()
        if not can_be_made(one).exists():
            raise SessionDeleted
        one.filter(Q(claim_id__isnull=True) | Q(due_at__lt=now)).update(
            status=DeliveryStatus.WAITING, tries=0, due_at=now, claim_id=None
        )


def delivery_test(*, endpoint: WebhookEndpoint, now: datetime) -> WebhookDelivery:
    """A `webhook.test`, to this endpoint alone; raises Conflict where it is disabled."""
    _require_enabled(endpoint)
    return WebhookDelivery.objects.create(
        id=uuid7(),
        endpoint=endpoint,
        type=MessageType.TEST,
        data={"webhook_id": str(endpoint.id)},
        occurred_at=now,
        created_at=now,
        request_id=served_request_id.get() or None,
        due_at=now,
    )


def _require_enabled(endpoint: WebhookEndpoint) -> None:
    if endpoint.disabled_reason == DisabledReason.STAFF:
        raise DisabledByStaff
    if endpoint.disabled_at is not None:
        raise Conflict("The webhook is disabled: enable it first.")
