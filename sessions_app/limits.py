"""The limits of a session's time that settings give."""

from datetime import timedelta

from django.conf import settings


def idle_limit() -> timedelta:
    """The longest time that a client may send nothing."""
    return timedelta(seconds=settings.SESSION_IDLE_SECONDS)
