"""What a process tells the service manager that started it, by sd_notify(3).

systemd and `realtime/watchdog.py` set NOTIFY_SOCKET and WATCHDOG_USEC. Where they are unset
nobody asks, and nothing is told.
"""

import logging
import os
import socket

logger = logging.getLogger(__name__)


def tell(state: str) -> None:
    """Send a state, such as `READY=1`. A manager that does not take it stops nothing."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as to_manager:
            to_manager.connect(address)
            to_manager.sendall(state.encode())
    except OSError as error:
        logger.warning(
            "systemd can't be told %(state)s: %(error)s", {"state": state, "error": error}
        )


def watchdog_seconds() -> float | None:
    """How often to tell `WATCHDOG=1`: four times before a silent process is killed."""
    microseconds = os.environ.get("WATCHDOG_USEC")
    return int(microseconds) / 4_000_000 if microseconds else None
