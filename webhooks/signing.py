"""The headers of a message, by the Standard Webhooks specification and its own library."""

from datetime import datetime
from functools import lru_cache
from uuid import UUID

from standardwebhooks import Webhook

from kynaplatform import __version__
from projects.signing import decrypted


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
