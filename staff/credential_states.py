"""The states of a credential: of one that was read, and as conditions of a query."""

from datetime import datetime, timedelta

from django.db.models import Q
from django.utils.safestring import SafeString

from projects.models import Credential
from staff.display import Tone, badge

TONES: dict[str, Tone] = {
    "live": "good", "expires soon": "warning", "expired": "quiet", "revoked": "bad",
}  # fmt: skip
SOON, LATELY = timedelta(days=14), timedelta(days=1)


def state_of(credential: Credential, now: datetime) -> str:
    if credential.revoked_at is not None:
        return "revoked"
    if credential.expires_at is None or credential.expires_at > now + SOON:
        return "live"
    return "expires soon" if credential.expires_at > now else "expired"


def state_badge(credential: Credential, now: datetime) -> SafeString:
    state = state_of(credential, now)
    return badge(state, TONES[state])


def about_to_expire(now: datetime) -> Q:
    """Not revoked, and expires soon or did within the last day."""
    return Q(revoked_at__isnull=True, expires_at__gte=now - LATELY, expires_at__lte=now + SOON)
