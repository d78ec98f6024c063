"""The Idempotency-Key header (after draft-ietf-httpapi-idempotency-key-header)."""

import hashlib
import re
from collections.abc import Mapping

import msgspec
from django.http import HttpRequest

from kynaplatform.api.errors import IdempotencyKeyInvalid, ServiceUnavailable

_DIGEST_BYTES = hashlib.sha256().digest_size
# 1 to 255 visible ASCII characters without spaces, bare or as an RFC 8941 quoted string.
PATTERN_OF_KEYS = r'^([!#-~][!-~]{0,254}|"([!#-\[\]-~]|\\["\\]){1,255}")$'
_KEY = re.compile(PATTERN_OF_KEYS)
_ESCAPED = re.compile(r"\\(.)")


def idempotency_key(request: HttpRequest) -> str | None:
    """The request's key, unquoted, or None without the header. Raises IdempotencyKeyInvalid."""
    value: str | None = request.META.get("HTTP_IDEMPOTENCY_KEY")
    if value is None:
        return None
    if not _KEY.fullmatch(value):
        raise IdempotencyKeyInvalid
    return _ESCAPED.sub(r"\1", value[1:-1]) if value.startswith('"') else value


class Fingerprints:
    """Digests that tell whether two requests are the same, by validated fields.

    A new field makes a new version. A fingerprint uses the oldest version that can express the
    request, so older code still recognises requests without the new field. It is a SHA-256 after
    the number of its version; without a number it is of version 1.
    """

    def __init__(self, *fields_by_version: tuple[str, ...]) -> None:
        self._fields = dict(enumerate(fields_by_version, start=1))
        self._newest = len(fields_by_version)

    def of(self, request: Mapping[str, object]) -> bytes:
        """The fingerprint to store; `request` maps each field to its value or None."""
        says = {name for name, value in request.items() if value is not None}
        holds_all = (version for version, names in self._fields.items() if says <= set(names))
        return self._of(request, next(holds_all, self._newest))

    def is_of(self, stored: bytes, request: Mapping[str, object]) -> bool:
        """Raises ServiceUnavailable if a newer release stored it: only that can compare it."""
        version = 1 if len(stored) <= _DIGEST_BYTES else stored[0]
        if version not in self._fields:
            raise ServiceUnavailable
        newer = set(self._fields[self._newest]) - set(self._fields[version])
        return stored == self._of(request, version) and all(request[name] is None for name in newer)

    def _of(self, request: Mapping[str, object], version: int) -> bytes:
        parts = [request[name] for name in self._fields[version]]
        # An object's fields have no order.
        written = msgspec.json.encode(parts, order="deterministic")
        digest = hashlib.sha256(written).digest()
        return digest if version == 1 else bytes([version]) + digest
