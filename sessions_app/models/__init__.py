"""The tables of sessions; only the heartbeat and the last runs are not of one session."""

from sessions_app.models.liveness import LastRun, PlatformHeartbeat
from sessions_app.models.session import (
    LIVE_STATUSES,
    DetectionSession,
    Mode,
    Notes,
    Outcome,
    SessionQuerySet,
    Status,
    is_attached,
)
from sessions_app.models.stream import (
    MAX_CLIENT_CHARACTERS,
    DetectionEvent,
    EventType,
    SessionAttach,
)

__all__ = [
    "LIVE_STATUSES",
    "MAX_CLIENT_CHARACTERS",
    "DetectionEvent",
    "DetectionSession",
    "EventType",
    "LastRun",
    "Mode",
    "Notes",
    "Outcome",
    "PlatformHeartbeat",
    "SessionAttach",
    "SessionQuerySet",
    "Status",
    "is_attached",
]
