"""What is kept for a while and then let go: idempotency keys, signing keys, tokens, logins."""

from datetime import datetime, timedelta

from django.contrib.sessions.models import Session

from kynaplatform.checks import LONGEST_LIFETIME_SECONDS
from projects.models import AccessToken
from projects.signing import key_ring, retired_keys
from sessions_app.chunks import change_in_chunks
from sessions_app.models import DetectionSession

IDEMPOTENCY_KEYS_KEPT = timedelta(hours=25)
TOKENS_KEPT = timedelta(days=30)
# A runtime token lives for the attach window and the longest session, each bounded by a check.
LONGEST_TOKEN = timedelta(seconds=2 * LONGEST_LIFETIME_SECONDS)
CHUNK = 1000


def forget_idempotency_keys(*, now: datetime, chunk_size: int = CHUNK) -> int:
    """Free the keys of sessions older than a day; safe to run twice at once."""
    old = DetectionSession.objects.filter(
        request_fingerprint__isnull=False, created_at__lt=now - IDEMPOTENCY_KEYS_KEPT
    )
    return change_in_chunks(
        old.order_by("created_at"),
        lambda ids: DetectionSession.objects.filter(id__in=ids).update(
            idempotency_key=None, request_fingerprint=None
        ),
        chunk_size,
    )


def prune_signing_keys(*, now: datetime) -> int:
    """Drop private keys that no idempotency key names, then public keys no token can need."""
    pruned = 0
    for key, retired_at in retired_keys(now):
        if key.encrypted_private_key is not None:
            may_replay = DetectionSession.objects.filter(
                request_fingerprint__isnull=False,
                created_at__lte=retired_at,
                signing_key_id=key.id,
            )
            if not may_replay.exists():
                key.encrypted_private_key = None
                key.save(update_fields=["encrypted_private_key"])
                pruned += 1
        elif retired_at + LONGEST_TOKEN <= now:
            key.delete()
            pruned += 1
    if pruned:
        key_ring().forget()
    return pruned


def prune_access_tokens(*, now: datetime, chunk_size: int = CHUNK) -> int:
    """Delete the records of access tokens that expired 30 days ago."""
    return change_in_chunks(
        AccessToken.objects.filter(expires_at__lt=now - TOKENS_KEPT).order_by("expires_at"),
        lambda ids: AccessToken.objects.filter(id__in=ids).delete(),
        chunk_size,
    )


def prune_staff_sessions(*, now: datetime, chunk_size: int = CHUNK) -> int:
    """Delete the browser sessions of staff that have expired."""
    return change_in_chunks(
        Session.objects.filter(expire_date__lt=now).order_by("expire_date"),
        lambda keys: Session.objects.filter(session_key__in=keys).delete(),
        chunk_size,
    )
