"""The heartbeat of a process that serves or ends sessions: each runtime and each worker has one."""

from contextlib import suppress
from datetime import datetime

from sessions_app import absences
from sessions_app.fence import AttachmentLost
from sessions_app.finish import session_finish
from sessions_app.unreadable_states import is_readable, sessions_left, sessions_take_back


def beat(*, now: datetime) -> None:
    """Make up for an absence, write that this process lives, and take back what it can read.

    What it takes back and is due it finishes: the sweeps may all be of code that can't read it.
    """
    absences.beat(now)
    for session_id in sessions_take_back(sessions_left(now).filter(is_readable()), now):
        with suppress(AttachmentLost):
            session_finish(session_id=session_id, now=now)
