"""Retention of idempotency keys, of the browser sessions of staff, and of their log."""

from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.contrib.admin.models import DELETION, LogEntry
from django.contrib.sessions.models import Session

from common.slices import SLICE, update_in_slices
from sessions_app.models import DetectionSession

IDEMPOTENCY_KEYS_KEPT = timedelta(hours=25)


def forget_idempotency_keys(*, now: datetime, slice_size: int = SLICE) -> int:
    """Free the keys of sessions older than a day; safe to run twice at once."""
    old = DetectionSession.objects.filter(
        request_fingerprint__isnull=False, created_at__lt=now - IDEMPOTENCY_KEYS_KEPT
    )
    return update_in_slices(
        old.order_by("created_at"),
        lambda ids: DetectionSession.objects.filter(id__in=ids).update(
            idempotency_key=None, request_fingerprint=None
        ),
        slice_size,
    )


def may_replay(signing_key_id: UUID, until: datetime) -> bool:
    """Whether an idempotency key names a token that this key signed `until` it retired."""
    return DetectionSession.objects.filter(
        request_fingerprint__isnull=False, created_at__lte=until, signing_key_id=signing_key_id
    ).exists()


def prune_staff_sessions(*, now: datetime, slice_size: int = SLICE) -> int:
    """Delete the browser sessions of staff that have expired."""
    return update_in_slices(
        Session.objects.filter(expire_date__lt=now).order_by("expire_date"),
        lambda keys: Session.objects.filter(session_key__in=keys).delete(),
        slice_size,
    )


def prune_staff_log(*, now: datetime, slice_size: int = SLICE) -> int:
    """Delete the entries of the staff's log that are due, but for those that tell of a deletion."""
    days = settings.STAFF_LOG_RETENTION_DAYS
    if days is None:
        return 0
    due = LogEntry.objects.filter(action_time__lt=now - timedelta(days=days))
    return update_in_slices(
        due.exclude(action_flag=DELETION).order_by("action_time"),
        lambda ids: LogEntry.objects.filter(id__in=ids).delete(),
        slice_size,
    )
