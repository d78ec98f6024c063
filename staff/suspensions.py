"""The suspensions that a row is under: its project's own, and that of its organization."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from projects.models import Organization, Project
from staff.display import badge
from staff.full_names import project_of
from staff.history import last_suspension, told

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
