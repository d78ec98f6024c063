"""Signing secrets of endpoints: made, shown once, encrypted at rest, rotated."""

import base64
import secrets
from datetime import datetime, timedelta
from typing import Final

from cryptography.fernet import InvalidToken

from projects.signing import encrypted, encrypted_anew
from webhooks.models import WebhookEndpoint

PREFIX: Final = "whsec_"
SECRET_BYTES: Final = 32
# How long the secret before a rotation signs as well.
BOTH_SIGN: Final = timedelta(hours=24)


def new_secret() -> str:
    return PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def secret_rotate(*, endpoint: WebhookEndpoint, now: datetime) -> str:
    """Give `endpoint`, whose row the caller has locked, a new secret; returns it.

    The one before signs as well for 24 hours. One before that, which still did, no longer does.
    """
    secret = new_secret()
    endpoint.encrypted_previous_secret = endpoint.encrypted_secret
    endpoint.previous_secret_until = now + BOTH_SIGN
    endpoint.encrypted_secret = encrypted(secret.encode())
    endpoint.save(
        update_fields=["encrypted_secret", "encrypted_previous_secret", "previous_secret_until"]
    )
    return secret


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
