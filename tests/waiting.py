"""Waiting for what another thread or process does."""

import time
from collections.abc import Callable

DEADLINE_SECONDS = 30.0
POLL_SECONDS = 0.01


def comes_true(is_so: Callable[[], bool], seconds: float = DEADLINE_SECONDS) -> bool:
    """Whether it is so within `seconds`."""
    deadline = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True


def eventually(
    is_so: Callable[[], bool], what: str | Callable[[], str], seconds: float = DEADLINE_SECONDS
) -> None:
    """Fail where it is not so within `seconds`; `what` was awaited, or answers the log to show."""
    assert comes_true(is_so, seconds), f"never: {what}" if isinstance(what, str) else what()
