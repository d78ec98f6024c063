"""Endpoints: create, change, delete, and their signing secrets, which are encrypted at rest.

Each function checks nothing of who asks.
"""

import base64
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final
from uuid import UUID

from cryptography.fernet import InvalidToken
from django.db import transaction
from django.db.models import QuerySet

from kynaplatform.api.errors import Conflict, Detail, get_or_404
from projects.models import Project
from projects.signing import encrypted, encrypted_anew
from webhooks.models import DisabledReason, WebhookEndpoint

MAX_PER_PROJECT: Final = 16
PREFIX: Final = "whsec_"
SECRET_BYTES: Final = 32
# How long the secret before a rotation signs as well.
BOTH_SIGN: Final = timedelta(hours=24)


class DisabledByStaff(Conflict):
    sentence = "Staff disabled the webhook: only they can enable it again."


class TooManyWebhooks(Conflict):
    example_details: ClassVar[dict[str, Detail]] = {"limit": 16}


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
    """The endpoint, and its secret, which nothing shows again. Raises TooManyWebhooks.

    The project's row stays locked against other creates, so that they are counted one after the
    other.
    """
    secret = new_secret()
    with transaction.atomic():
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
            encrypted_secret=encrypted(secret.encode()),
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

    `enabled` of None leaves that as it is; `by` says who enables or disables. Enabling it or giving
    it another address forgets that its tries failed: it has five days again. A client can't enable
    what staff have disabled: raises DisabledByStaff, having changed nothing.
    """
    is_staffs = endpoint.disabled_reason == DisabledReason.STAFF
    if enabled and is_staffs and by != DisabledReason.STAFF:
        raise DisabledByStaff
    begins_anew = changes.get("url", endpoint.url) != endpoint.url
    for name, value in changes.items():
        setattr(endpoint, name, value)
    columns = [*changes]
    is_taken_over = enabled is False and by == DisabledReason.STAFF and not is_staffs
    if is_taken_over or (enabled is not None and enabled != (endpoint.disabled_at is None)):
        endpoint.disabled_at = None if enabled else now
        endpoint.disabled_reason = None if enabled else by
        columns += ["disabled_at", "disabled_reason"]
        begins_anew = True
    if begins_anew:
        endpoint.failing_since = endpoint.failed_at = endpoint.failed_messages = None
        endpoint.failed_tries = 0
        columns += ["failing_since", "failed_at", "failed_tries", "failed_messages"]
    if columns:
        endpoint.save(update_fields=columns)


def endpoint_delete(*, endpoint: WebhookEndpoint, now: datetime) -> None:
    """Nothing more is sent to it, and nothing shows it. The worker deletes its deliveries."""
    WebhookEndpoint.objects.filter(id=endpoint.id).update(
        deleted_at=now,
        encrypted_secret=b"",
        encrypted_previous_secret=None,
        previous_secret_until=None,
        replay_since=None,
        replay_until=None,
    )


def endpoint_lock(endpoint_id: UUID) -> WebhookEndpoint:
    """The endpoint, locked until the transaction ends; raises NotFound where it was deleted."""
    locked = WebhookEndpoint.objects.select_for_update(no_key=True)
    return get_or_404(locked.filter(deleted_at__isnull=True), endpoint_id, "webhook")


def endpoint_rotate_secret(*, endpoint_id: UUID, now: datetime) -> tuple[WebhookEndpoint, str]:
    """The endpoint with its new secret; raises NotFound where it was deleted.

    The one before signs as well for 24 hours. One before that, which still did, no longer does.
    """
    secret = new_secret()
    with transaction.atomic():
        endpoint = endpoint_lock(endpoint_id)
        endpoint.encrypted_previous_secret = endpoint.encrypted_secret
        endpoint.previous_secret_until = now + BOTH_SIGN
        endpoint.encrypted_secret = encrypted(secret.encode())
        endpoint.save(
            update_fields=["encrypted_secret", "encrypted_previous_secret", "previous_secret_until"]
        )
    return endpoint, secret


def new_secret() -> str:
    return PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def encrypt_anew() -> None:
    """Encrypt every secret with the first of SIGNING_KEY_SECRETS."""
    columns = ("encrypted_secret", "encrypted_previous_secret")
    for endpoint in WebhookEndpoint.objects.select_for_update(no_key=True).only(*columns):
        for column in columns:
            if kept := getattr(endpoint, column):
                try:
                    setattr(endpoint, column, encrypted_anew(bytes(kept)))
                except InvalidToken:
                    continue
        endpoint.save(update_fields=columns)
