"""Replays and redeliveries: what was not delivered is queued again."""

from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import connection, transaction
from django.db.models import BooleanField, Q, QuerySet
from django.db.models.expressions import RawSQL
from uuid_utils.compat import uuid7

from kynaplatform.api.errors import Conflict
from kynaplatform.logs.request_id import served_request_id
from webhooks.errors import DisabledByStaff, SessionDeleted
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

# A message whose data is the record of a session that was deleted can't be made again.
_CAN_BE_MADE: Final = """(
    webhook_delivery.session_id IS NULL OR webhook_delivery.type = 'session.deleted'
    OR EXISTS (SELECT FROM detection_session WHERE id = webhook_delivery.session_id)
)"""
# An endpoint whose row another sender has locked is that one's turn. The next turn begins where
# this one ended. The last finds fewer than it could take, and ends the replay.
_GO_ON: Final = f"""
WITH replayed AS MATERIALIZED (
    SELECT id, replay_since, replay_until FROM webhook_endpoint
    WHERE replay_since IS NOT NULL AND disabled_at IS NULL
    FOR NO KEY UPDATE SKIP LOCKED
),
taken AS MATERIALIZED (
    SELECT first.id, first.created_at, replayed.id AS endpoint_id
    FROM replayed
    CROSS JOIN LATERAL (
        SELECT earliest.id, earliest.created_at
        FROM unnest(%(undelivered)s::text[]) AS one (status)
        -- Of each status by itself the index gives the earliest.
        CROSS JOIN LATERAL (
            SELECT id, created_at FROM webhook_delivery
            WHERE endpoint_id = replayed.id AND status = one.status
                AND created_at >= replayed.replay_since AND created_at <= replayed.replay_until
                AND {_CAN_BE_MADE}
            ORDER BY created_at LIMIT %(most)s
            FOR UPDATE SKIP LOCKED
        ) AS earliest
        ORDER BY earliest.created_at LIMIT %(most)s
    ) AS first
),
queued AS (
    UPDATE webhook_delivery AS delivery
    SET status = 'waiting', tries = 0, due_at = clock_timestamp()
    FROM taken WHERE delivery.id = taken.id
),
turn AS (
    SELECT replayed.id, count(taken.id) AS number, max(taken.created_at) AS until
    FROM replayed LEFT JOIN taken ON taken.endpoint_id = replayed.id
    GROUP BY replayed.id
)
UPDATE webhook_endpoint AS endpoint
SET replay_since = CASE WHEN turn.number < %(most)s THEN NULL ELSE turn.until END,
    replay_until = CASE WHEN turn.number < %(most)s THEN NULL ELSE endpoint.replay_until END
FROM turn
WHERE endpoint.id = turn.id
"""  # noqa: S608


def replays_go_on() -> None:
    """A turn of every replay: queue the oldest of what it has left."""
    if not WebhookEndpoint.objects.filter(replay_since__isnull=False).exists():
        return
    with connection.cursor() as cursor:
        cursor.execute(_GO_ON, {"undelivered": [*UNDELIVERED], "most": REPLAYED_A_TURN})


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
    return deliveries.filter(RawSQL(_CAN_BE_MADE, (), BooleanField()))  # noqa: S611


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
