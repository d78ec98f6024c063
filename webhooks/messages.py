"""The request of a message: its body of type, time, sequence and data, and its signed headers.

A session's data is its record as of the message's moment. An ended session never changes, so its
row is read when the message is sent. Of a started one the trigger has stored what changed since.
Headers and signatures follow the Standard Webhooks specification, by its own library.
"""

import logging
from collections.abc import Iterable
from copy import copy
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

import msgspec
from standardwebhooks import Webhook

from kynaplatform import __version__
from projects.signing import decrypted
from sessions_app.models import DetectionSession
from sessions_app.schemas import SessionRecord, session_response
from sessions_app.stream_state import STATE_COLUMNS
from webhooks.claims import Claim
from webhooks.models import MessageType, WebhookDelivery
from webhooks.transport import TryFailed

logger = logging.getLogger("kynaplatform.webhooks")
_encode = msgspec.json.Encoder().encode


def bodies(deliveries: Iterable[Claim | WebhookDelivery]) -> dict[UUID, str]:
    """The body of each delivery, by its id. Bodies that can't be made are logged and left out."""
    deliveries = list(deliveries)
    of_sessions = [one for one in deliveries if one.type != MessageType.SESSION_DELETED]
    ids = {one.session_id for one in of_sessions if one.session_id}
    rows = DetectionSession.objects.filter(id__in=ids).select_related("project")
    sessions = {row.id: row for row in rows.defer(*STATE_COLUMNS)} if ids else {}
    made = {}
    for one in deliveries:
        try:
            message = {
                "type": one.type,
                "timestamp": one.occurred_at,
                "sequence": one.sequence,
                "data": _data(one, sessions),
            }
            made[one.id] = _encode(message).decode()
        except Exception:
            logger.exception("the message %(id)s can't be made", {"id": one.id})
    return made


def _data(
    delivery: Claim | WebhookDelivery, sessions: dict[UUID, DetectionSession]
) -> SessionRecord | dict[str, Any]:
    """Raises KeyError if the session was deleted."""
    if delivery.type == MessageType.SESSION_DELETED:
        return {"session_id": delivery.session_id}
    if delivery.session_id is None:
        return delivery.data or {}
    session = sessions[delivery.session_id]
    as_of_then = copy(session)
    for name, value in (delivery.data or {}).items():
        field = DetectionSession._meta.get_field(name)
        setattr(as_of_then, name, field.to_python(value))  # type: ignore[union-attr]
    return session_response(as_of_then, session.project.organization_id)


def headers_of(claim: Claim, body: str, now: datetime) -> dict[str, str]:
    """The headers of a request sent at `now`. Raises TryFailed.

    The timestamp is the try's, so that receivers which refuse old messages accept a late one.
    """
    id_ = str(claim.id)
    secrets = [claim.encrypted_secret]
    if claim.encrypted_previous_secret and now < (claim.previous_secret_until or now):
        secrets.append(claim.encrypted_previous_secret)
    signatures = [_webhook(secret).sign(id_, now, body) for secret in secrets]
    return {
        "Content-Type": "application/json",
        "User-Agent": f"kynaplatform/{__version__}",
        "webhook-id": id_,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(signatures),
        **({"Kyna-Request-Id": claim.request_id} if claim.request_id else {}),
    }


@lru_cache(maxsize=4096)
def _webhook(encrypted_secret: bytes) -> Webhook:
    secret = decrypted(encrypted_secret)
    if secret is None:
        raise TryFailed("The platform can't read the secret that signs.")
    return Webhook(secret.decode())
