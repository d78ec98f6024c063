"""The heartbeat of a process that serves or ends sessions: each runtime and each worker has one."""

from datetime import datetime

from sessions_app import absences
from sessions_app.unreadable_states import is_readable, sessions_left, sessions_take_back


def beat(*, now: datetime) -> None:
    """Make up for an absence, write that this process lives, and take back what it can read."""
    absences.beat(now)
    sessions_take_back(sessions_left(now).filter(is_readable()), now)
