"""The limits of a session that settings give, and staff to a project."""

from datetime import timedelta

from django.conf import settings

from projects.models import Project


def idle_limit() -> timedelta:
    """The longest time that a client may send nothing."""
    return timedelta(seconds=settings.SESSION_IDLE_SECONDS)


def longest_session(project: Project) -> timedelta:
    """The longest time from the first attach to the end."""
    longest: int = settings.SESSION_MAX_SECONDS
    return timedelta(seconds=min(project.session_seconds or longest, longest))


def most_events(project: Project) -> int:
    """The number of a session's events after which only outcomes are kept."""
    return project.session_events or settings.SESSION_MAX_EVENTS
