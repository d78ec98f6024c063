"""The part of readiness that is about secrets: those of signing keys, and peppers."""

from django.conf import settings

from kynaplatform import clock
from kynaplatform.metrics.readiness import MISSING, OK
from projects.credentials import is_live
from projects.models import Credential, SigningKey
from projects.signing import decrypted

UNREADABLE = "unreadable"


def signing_keys_state() -> str:
    """`missing` before the first; `unreadable` where SIGNING_KEY_SECRETS do not open one."""
    private = SigningKey.objects.filter(encrypted_private_key__isnull=False)
    kept = list(private.values_list("encrypted_private_key", flat=True))
    if not kept:
        return MISSING
    return UNREADABLE if None in [decrypted(bytes(key or b"")) for key in kept] else OK


def peppers_state() -> str:
    """`missing` where a live credential is hashed under a number that SECRET_PEPPERS lack."""
    live = Credential.objects.filter(is_live(clock.now()))
    return MISSING if live.exclude(pepper_number__in=settings.SECRET_PEPPERS).exists() else OK
