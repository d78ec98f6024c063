"""The request of a message: its body of type, time, sequence and data, and its signed headers.

A session's data is its record as of the message's moment. A session that has ended never changes,
so its row is read when it is sent. Of one that started, the trigger has kept what changed since.
The headers are by the Standard Webhooks specification, and signed by its own library.
"""

import logging
from collections.abc import Iterable
from copy import copy
from datetime import datetime
from functools import lru_cache
from typing import Any, Protocol
from uuid import UUID

import msgspec
from standardwebhooks import Webhook

from kynaplatform import __version__
from kynaplatform.api.schemas import Answer, Timestamp
from projects.signing import decrypted
from sessions_app.models import DetectionSession
from sessions_app.schemas import SessionRecord, session_response
from sessions_app.stream_state import STATE_COLUMNS
from webhooks.models import MessageType

# Types whose data is the session's record.
OF_RECORDS = frozenset(
    {
        MessageType.SESSION_STARTED,
        MessageType.SESSION_COMPLETED,
        MessageType.SESSION_FAILED,
        MessageType.SESSION_CANCELLED,
    }
)
logger = logging.getLogger("kynaplatform.webhooks")
_encode = msgspec.json.Encoder().encode


class Told(Protocol):
    """The columns of a delivery that make its body."""

    @property
    def id(self) -> UUID: ...
    @property
    def type(self) -> str: ...
    @property
    def session_id(self) -> UUID | None: ...
    @property
    def sequence(self) -> int | None: ...
    @property
    def data(self) -> dict[str, Any] | None: ...
    @property
    def occurred_at(self) -> datetime: ...


class Message(Answer):
    type: str
    timestamp: Timestamp
    sequence: int | None
    data: SessionRecord | dict[str, Any]


def bodies(deliveries: Iterable[Told]) -> dict[UUID, str]:
    """The body of each delivery, by its id; without those that can't be made, which are logged."""
    deliveries = list(deliveries)
    ids = {one.session_id for one in deliveries if one.session_id and one.type in OF_RECORDS}
    rows = DetectionSession.objects.filter(id__in=ids).select_related("project")
    sessions = {row.id: row for row in rows.defer(*STATE_COLUMNS)} if ids else {}
    made = {}
    for one in deliveries:
        try:
            data = _data(one, sessions)
            message = Message(one.type, one.occurred_at, one.sequence, data)
            made[one.id] = _encode(message).decode()
        except Exception:
            logger.exception("the message %(id)s can't be made", {"id": one.id})
    return made


def _data(told: Told, sessions: dict[UUID, DetectionSession]) -> SessionRecord | dict[str, Any]:
    """Raises KeyError where the session was deleted."""
    if told.type == MessageType.SESSION_DELETED:
        return {"session_id": told.session_id}
    if told.session_id is None:
        return told.data or {}
    session = sessions[told.session_id]
    as_of_then = copy(session)
    for name, value in (told.data or {}).items():
        field = DetectionSession._meta.get_field(name)
        setattr(as_of_then, name, field.to_python(value))  # type: ignore[union-attr]
    return session_response(as_of_then, session.project.organization_id)


class SecretUnreadable(Exception):
    """No SIGNING_KEY_SECRETS decrypts the endpoint's secret."""


def headers_of(
    *, message_id: UUID, body: str, request_id: str | None, secrets: list[bytes], now: datetime
) -> dict[str, str]:
    """The request's headers, signed with each of the encrypted `secrets`, the newest first.

    `request_id` is of the request that caused the message. The time is the try's, so that a
    receiver that refuses old messages takes a late one. Raises SecretUnreadable.
    """
    id_ = str(message_id)
    signatures = [_webhook(secret).sign(id_, now, body) for secret in secrets]
    return {
        "Content-Type": "application/json",
        "User-Agent": f"kynaplatform/{__version__}",
        "webhook-id": id_,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(signatures),
        **({"Kyna-Request-Id": request_id} if request_id else {}),
    }


@lru_cache(maxsize=4096)
def _webhook(encrypted_secret: bytes) -> Webhook:
    secret = decrypted(encrypted_secret)
    if secret is None:
        raise SecretUnreadable
    return Webhook(secret.decode())
