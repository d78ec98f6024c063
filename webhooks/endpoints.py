"""Endpoints and their signing secrets, and the messages that are sent to one of them again.

Secrets are encrypted at rest. No function here checks who calls it.
"""

import base64
import secrets
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final
from uuid import UUID

from cryptography.fernet import InvalidToken
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from kynaplatform.api.errors import Conflict, Detail, get_or_404
from kynaplatform.logs import served_request_id
from projects.models import Project
from projects.signing import secret_cipher
from sessions_app.models import DetectionSession
from webhooks.models import (
    DeliveryStatus,
    DisabledReason,
    MessageType,
    WebhookDelivery,
    WebhookEndpoint,
)

MAX_PER_PROJECT: Final = 16
PREFIX: Final = "whsec_"
SECRET_BYTES: Final = 32
# How long the previous secret still signs after a rotation.
BOTH_SIGN: Final = timedelta(hours=24)
# Messages that a sender queues in a turn of a replay; turns are a second apart.
REPLAYED_PER_TURN: Final = 100
UNDELIVERED: Final = (DeliveryStatus.FAILED, DeliveryStatus.HELD)


class DisabledByStaff(Conflict):
    sentence = "Staff disabled the webhook: only they can enable it again."


class TooManyWebhooks(Conflict):
    example_details: ClassVar[dict[str, Detail]] = {"limit": 16}


# --- Endpoints ---------------------------------------------------------------------------


def endpoints_of(project_id: UUID) -> QuerySet[WebhookEndpoint]:
    return WebhookEndpoint.objects.filter(project_id=project_id, deleted_at__isnull=True)


def endpoint_create(
    *,
    project_id: UUID,
    url: str,
    event_types: list[str] | None = None,
    description: str | None = None,
    now: datetime,
) -> tuple[WebhookEndpoint, str]:
    """Create an endpoint. Returns it with its secret. Raises TooManyWebhooks."""
    secret = _new_secret()
    with transaction.atomic():
        # Creates of one project are counted one after the other.
        Project.objects.select_for_update(no_key=True).only("id").get(id=project_id)
        if endpoints_of(project_id).count() >= MAX_PER_PROJECT:
            raise TooManyWebhooks(
                f"The project has its most webhooks: {MAX_PER_PROJECT}.", limit=MAX_PER_PROJECT
            )
        endpoint = WebhookEndpoint.objects.create(
            project_id=project_id,
            url=url,
            event_types=event_types,
            description=description,
            encrypted_secret=secret_cipher().encrypt(secret.encode()),
            created_at=now,
        )
    return endpoint, secret


def endpoint_change(
    *,
    endpoint: WebhookEndpoint,
    changes: Mapping[str, Any],
    enabled: bool | None,
    by: DisabledReason = DisabledReason.CLIENT,
    now: datetime,
) -> None:
    """Write `changes` of columns of `endpoint`, whose row the caller has locked.

    `by` says who enables or disables; `enabled` of None does neither. Enabling an endpoint, or
    changing its URL, starts its five days of failures again. Raises DisabledByStaff, having changed
    nothing, where a client enables what staff have disabled.
    """
    is_staffs = endpoint.disabled_reason == DisabledReason.STAFF
    if enabled and is_staffs and by != DisabledReason.STAFF:
        raise DisabledByStaff
    starts_again = changes.get("url", endpoint.url) != endpoint.url
    columns = dict(changes)
    is_taken_over = enabled is False and by == DisabledReason.STAFF and not is_staffs
    if is_taken_over or (enabled is not None and enabled != (endpoint.disabled_at is None)):
        columns["disabled_at"] = None if enabled else now
        columns["disabled_reason"] = None if enabled else by
        starts_again = True
    if starts_again:
        columns |= dict.fromkeys(("failing_since", "failed_at", "failed_messages"))
        columns["failed_tries"] = 0
    for name, value in columns.items():
        setattr(endpoint, name, value)
    if columns:
        endpoint.save(update_fields=[*columns])


def endpoint_delete(*, endpoint: WebhookEndpoint, now: datetime) -> None:
    """Hide the endpoint and forget its secrets. The worker deletes its deliveries."""
    WebhookEndpoint.objects.filter(id=endpoint.id).update(
        deleted_at=now,
        encrypted_secret=b"",
        encrypted_previous_secret=None,
        previous_secret_until=None,
        replay_since=None,
        replay_until=None,
    )


def endpoint_lock(endpoint_id: UUID) -> WebhookEndpoint:
    """The endpoint, locked until the transaction ends. Raises NotFound if it was deleted."""
    locked = WebhookEndpoint.objects.select_for_update(no_key=True)
    return get_or_404(locked.filter(deleted_at__isnull=True), endpoint_id, "webhook")


def endpoint_rotate_secret(*, endpoint_id: UUID, now: datetime) -> tuple[WebhookEndpoint, str]:
    """Give the endpoint a new secret. Raises NotFound if it was deleted.

    The previous secret signs as well for 24 hours; an older one that still did stops.
    """
    secret = _new_secret()
    with transaction.atomic():
        endpoint = endpoint_lock(endpoint_id)
        endpoint.encrypted_previous_secret = endpoint.encrypted_secret
        endpoint.previous_secret_until = now + BOTH_SIGN
        endpoint.encrypted_secret = secret_cipher().encrypt(secret.encode())
        endpoint.save(
            update_fields=["encrypted_secret", "encrypted_previous_secret", "previous_secret_until"]
        )
    return endpoint, secret


def _new_secret() -> str:
    return PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def encrypt_anew() -> None:
    """Encrypt every secret with the first of SIGNING_KEY_SECRETS."""
    columns = ("encrypted_secret", "encrypted_previous_secret")
    for endpoint in WebhookEndpoint.objects.select_for_update(no_key=True).only(*columns):
        for column in columns:
            if stored := getattr(endpoint, column):
                with suppress(InvalidToken):
                    setattr(endpoint, column, secret_cipher().rotate(bytes(stored)))
        endpoint.save(update_fields=columns)


# --- Tests, redeliveries and replays -----------------------------------------------------


def delivery_test(*, endpoint: WebhookEndpoint, now: datetime) -> WebhookDelivery:
    """Queue a `webhook.test` for this endpoint alone. Raises Conflict if it is disabled."""
    _require_enabled(endpoint)
    return WebhookDelivery.objects.create(
        endpoint=endpoint,
        type=MessageType.TEST,
        data={"webhook_id": str(endpoint.id)},
        occurred_at=now,
        created_at=now,
        request_id=served_request_id.get() or None,
        due_at=now,
    )


def delivery_redeliver(*, endpoint: WebhookEndpoint, delivery_id: UUID, now: datetime) -> None:
    """Queue a message again, due now, with its `webhook-id`. One that is being sent is left alone.

    Raises Conflict if the endpoint is disabled or the message is about a deleted session.
    """
    _require_enabled(endpoint)
    delivery = WebhookDelivery.objects.filter(id=delivery_id, endpoint_id=endpoint.id)
    with transaction.atomic():
        # A deletion of the session empties the row: whichever comes second sees the other.
        delivery.select_for_update(no_key=True).first()
        if not can_be_made(delivery).exists():
            raise Conflict("The session of the message was deleted: it can't be sent again.")
        delivery.filter(Q(claim_id__isnull=True) | Q(due_at__lt=now)).update(
            status=DeliveryStatus.WAITING, tries=0, due_at=now, claim_id=None
        )


def replay_begin(*, endpoint: WebhookEndpoint, since: datetime, now: datetime) -> int:
    """Have the sender queue again what was not delivered since then. Returns how many those are.

    A running replay goes on from the earlier of the two. Raises Conflict for a disabled endpoint.
    """
    _require_enabled(endpoint)
    # PostgreSQL can store moments that Python can't load, such as the first of year 1 by an offset.
    since = min(max(since, endpoint.created_at), now)
    if endpoint.replay_since is not None:
        since = min(endpoint.replay_since, since)
    WebhookEndpoint.objects.filter(id=endpoint.id).update(replay_since=since, replay_until=now)
    return undelivered(endpoint.id, since, now).count()


def replays_go_on() -> None:
    """Take one turn of each replay: queue the oldest messages that it has left.

    The next turn begins where this one ends. The last finds fewer than it could queue.
    """
    replayed = WebhookEndpoint.objects.filter(replay_since__isnull=False, disabled_at__isnull=True)
    for id_ in replayed.values_list("id", flat=True):
        with transaction.atomic():
            # Another sender may have locked it, and takes this turn.
            free = replayed.select_for_update(skip_locked=True, no_key=True)
            endpoint = free.filter(id=id_).first()
            if endpoint is None or not (endpoint.replay_since and endpoint.replay_until):
                continue
            rows = undelivered(id_, endpoint.replay_since, endpoint.replay_until)
            earliest = (
                rows.select_for_update(skip_locked=True, of=("self",))
                .order_by("created_at")
                .values_list("created_at", "id")
            )
            # The index gives the earliest of each status.
            queued = sorted(
                row
                for status in UNDELIVERED
                for row in earliest.filter(status=status)[:REPLAYED_PER_TURN]
            )[:REPLAYED_PER_TURN]
            WebhookDelivery.objects.filter(id__in=[id_ for _, id_ in queued]).update(
                status=DeliveryStatus.WAITING, tries=0, due_at=Now()
            )
            if len(queued) < REPLAYED_PER_TURN:
                endpoint.replay_since = endpoint.replay_until = None
            else:
                endpoint.replay_since = queued[-1][0]
            endpoint.save(update_fields=["replay_since", "replay_until"])


def undelivered(endpoint_id: UUID, since: datetime, until: datetime) -> QuerySet[WebhookDelivery]:
    """The messages that a replay sends again."""
    return can_be_made(
        WebhookDelivery.objects.filter(
            endpoint_id=endpoint_id,
            status__in=UNDELIVERED,
            created_at__gte=since,
            created_at__lte=until,
        )
    )


def can_be_made(deliveries: QuerySet[WebhookDelivery]) -> QuerySet[WebhookDelivery]:
    """Those without the record of a deleted session, which can't be read again."""
    session = DetectionSession.objects.filter(id=OuterRef("session_id"))
    return deliveries.filter(
        Q(session_id__isnull=True) | Q(type=MessageType.SESSION_DELETED) | Exists(session)
    )


def _require_enabled(endpoint: WebhookEndpoint) -> None:
    if endpoint.disabled_reason == DisabledReason.STAFF:
        raise DisabledByStaff
    if endpoint.disabled_at is not None:
        raise Conflict("The webhook is disabled: enable it first.")
