"""Suspension: requests are refused at once, and what runs is ended in the same transaction."""

from datetime import datetime

from django.db import transaction
from django.dispatch import Signal

from projects.models import Organization, Project

# Sent with `now`, inside the transaction that suspends: sessions_app ends what is live.
suspended = Signal()


def suspend(target: Organization | Project, *, now: datetime) -> bool:
    """Suspend a project, or an organization with all its projects; whether this changed it."""
    with transaction.atomic():
        active = type(target)._default_manager.filter(pk=target.pk, suspended_at__isnull=True)
        is_changed = active.update(suspended_at=now) > 0
        if is_changed:
            suspended.send(sender=type(target), now=now)
    return is_changed


def resume(target: Organization | Project) -> bool:
    """Let requests in again; whether this changed it. What was cancelled stays so."""
    idle = type(target)._default_manager.filter(pk=target.pk, suspended_at__isnull=False)
    return idle.update(suspended_at=None) > 0
