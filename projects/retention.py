"""Retention of access tokens and signing keys: rows go once nothing can need them."""

from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

from common.slices import SLICE, update_in_slices
from kynaplatform.checks import MAX_LIFETIME_SECONDS
from projects.models import AccessToken
from projects.signing import key_ring, retired_keys

TOKENS_KEPT = timedelta(days=30)
# A runtime token lives for the attach window and the longest session, each bounded by a check.
MAX_TOKEN = timedelta(seconds=2 * MAX_LIFETIME_SECONDS)
# Whether what was made until a key retired may have to be signed with it again. An app that signs
# again adds its own.
SIGNED_AGAIN: list[Callable[[UUID, datetime], bool]] = []


def prune_signing_keys(*, now: datetime) -> int:
    """Drop private keys that nothing is signed with again, then public keys no token can need."""
    pruned = 0
    for key, retired_at in retired_keys(now):
        if key.encrypted_private_key is not None:
            if not any(may_need(key.id, retired_at) for may_need in SIGNED_AGAIN):
                key.encrypted_private_key = None
                key.save(update_fields=["encrypted_private_key"])
                pruned += 1
        elif retired_at + MAX_TOKEN <= now:
            key.delete()
            pruned += 1
    if pruned:
        key_ring().forget()
    return pruned


def prune_access_tokens(*, now: datetime, slice_size: int = SLICE) -> int:
    """Delete the records of access tokens that expired 30 days ago."""
    return update_in_slices(
        AccessToken.objects.filter(expires_at__lt=now - TOKENS_KEPT).order_by("expires_at"),
        lambda ids: AccessToken.objects.filter(id__in=ids).delete(),
        slice_size,
    )
