"""The states of rows: suspended, with their project or organization, and a credential's own."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db.models import Exists, OuterRef, Q
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from projects.models import Credential, Organization, Project, row_is_live
from staff.display import badge
from staff.history import last_suspension, told
from staff.names import project_of

Owner = Organization | Project


class Suspension(NamedTuple):
    """A suspension of `owner`. `who` and `reason` are None if no action of staff tells them."""

    owner: Owner
    since: datetime
    who: str | None = None
    reason: str | None = None

    @property
    def kind(self) -> str:
        return str(self.owner._meta.verbose_name)


def suspensions_of(row: Any) -> list[Suspension]:
    return [_suspension(owner, since) for owner, since in _suspended(row)]


def with_suspensions(row: Any, state: SafeString | str = "") -> SafeString:
    """A badge for each suspension that `row` is under, before the badge of its own state."""
    badges = [
        badge("suspended" if owner == row else f"{owner._meta.verbose_name} suspended", "bad")
        for owner, _ in _suspended(row)
    ]
    return format_html_join(" ", "{}", [(one,) for one in (*badges, state) if one])


def _suspended(row: Any) -> list[tuple[Owner, datetime]]:
    """The suspended ones of the organization and the project that `row` is, or belongs to."""
    project = row if isinstance(row, Project) else project_of(row)
    owners: Iterable[Owner] = [project.organization, project] if project else []
    if isinstance(row, Organization):
        owners = [row]
    return [(owner, owner.suspended_at) for owner in owners if owner.suspended_at is not None]


def _suspension(owner: Owner, since: datetime) -> Suspension:
    entry = last_suspension(owner)
    if entry is None:
        return Suspension(owner, since)
    _done, reason = told(entry)
    return Suspension(owner, since, entry.user.get_username(), reason)


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
