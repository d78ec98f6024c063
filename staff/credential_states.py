"""The states of a credential: a badge for one row, and a condition for a query."""

from datetime import datetime, timedelta

from django.db.models import Q
from django.utils.safestring import SafeString

from projects.credentials import row_is_live
from projects.models import Credential
from staff.display import badge
from staff.suspensions import with_suspensions

SOON, LATELY = timedelta(days=14), timedelta(days=1)


def state_badge(credential: Credential, now: datetime) -> SafeString:
    if not row_is_live(now, revoked_at=credential.revoked_at, expires_at=credential.expires_at):
        return badge("revoked", "bad") if credential.revoked_at else badge("expired")
    expires_soon = credential.expires_at and credential.expires_at <= now + SOON
    soon = badge("expires soon", "warning") if expires_soon else ""
    return with_suspensions(credential, soon) or badge("live", "good")


def about_to_expire(now: datetime) -> Q:
    """The condition that a credential expires soon, or did in the last day, and is not revoked."""
    return Q(revoked_at__isnull=True, expires_at__gte=now - LATELY, expires_at__lte=now + SOON)
