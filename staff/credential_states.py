"""The states of a credential: a badge for one row, and a condition for a query."""

from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef, Q
from django.utils.safestring import SafeString

from projects.credentials import row_is_live
from projects.models import Credential
from staff.display import badge
from staff.suspensions import with_suspensions

SOON, LATELY = timedelta(days=14), timedelta(days=1)


def state_badge(credential: Credential, now: datetime) -> SafeString:
    if not row_is_live(now, revoked_at=credential.revoked_at, expires_at=credential.expires_at):
        return badge("revoked", "bad") if credential.revoked_at else badge("expired")
    return with_suspensions(credential, _of_live(credential, now)) or badge("live", "good")


def _of_live(credential: Credential, now: datetime) -> SafeString | str:
    """Of a row of `with_successor` it is told too that it was replaced, and whether that is why
    nobody uses it any more."""
    if replaced_at := getattr(credential, "replaced_at", None):
        used_at = credential.last_used_at
        is_used = used_at is not None and used_at > max(replaced_at, now - LATELY)
        return badge("replaced, still used", "warning") if is_used else badge("replaced")
    if credential.expires_at and credential.expires_at <= now + SOON:
        return badge("expires soon", "warning")
    return ""


def about_to_expire(now: datetime) -> Q:
    """The condition that a credential expires soon, or did in the last day, and is not revoked.

    One with a successor needs nobody, unless it was used since, and in the last day.
    """
    successors = Credential.objects.filter(replaces=OuterRef("pk"))
    still_used = Q(last_used_at__gt=now - LATELY) & Exists(
        successors.filter(created_at__lt=OuterRef("last_used_at"))
    )
    ends = Q(revoked_at__isnull=True, expires_at__gte=now - LATELY, expires_at__lte=now + SOON)
    return ends & (~Exists(successors) | still_used)
