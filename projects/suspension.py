"""Suspension: requests are refused at once, and what runs is ended in the same transaction."""

from datetime import datetime

from django.db import transaction
from django.dispatch import Signal

from projects.models import Organization, Project

# Sent with `now`, inside the transaction that suspends: sessions_app ends what is live.
suspended = Signal()


def suspend(target: Organization | Project, *, now: datetime) -> None:
    """Suspend a project, or an organization with all its projects; again: nothing changes."""
    with transaction.atomic():
        active = type(target)._default_manager.filter(pk=target.pk, suspended_at__isnull=True)
        if active.update(suspended_at=now):
            suspended.send(sender=type(target), now=now)


def resume(target: Organization | Project) -> None:
    """Let requests in again. What was cancelled stays so."""
    type(target)._default_manager.filter(pk=target.pk).update(suspended_at=None)
