"""The Idempotency-Key header (after draft-ietf-httpapi-idempotency-key-header)."""

import hashlib
import re

import msgspec
from django.http import HttpRequest

from kynaplatform.api.errors import IdempotencyKeyInvalid

_BARE = re.compile(r"[!-~]{1,255}")
_ESCAPED = re.compile(r"\\(.)")
_QUOTED = re.compile(r'"((?:[ !#-\[\]-~]|\\["\\])*)"')


def idempotency_key(request: HttpRequest) -> str | None:
    """The request's key, unquoted, or None without the header.

    1 to 255 visible ASCII characters without spaces, bare or as an RFC 8941 quoted string;
    anything else raises IdempotencyKeyInvalid.
    """
    value = request.META.get("HTTP_IDEMPOTENCY_KEY")
    if value is None:
        return None
    if value.startswith('"'):
        quoted = _QUOTED.fullmatch(value)
        if quoted is None:
            raise IdempotencyKeyInvalid
        value = _ESCAPED.sub(r"\1", quoted[1])
    if not _BARE.fullmatch(value):
        raise IdempotencyKeyInvalid
    return str(value)


def fingerprint(*parts: object) -> bytes:
    """SHA-256 of a request's validated fields, to tell the same request from another."""
    return hashlib.sha256(msgspec.json.encode(parts)).digest()
