"""Messages to the service manager by sd_notify(3).

systemd and `realtime/watchdog.py` set NOTIFY_SOCKET and WATCHDOG_USEC; without them nothing is
sent.
"""

import logging
import os
import socket

logger = logging.getLogger(__name__)


def tell(state: str) -> None:
    """Send a state, such as `READY=1`. A failure is only logged."""
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
    """How often to send `WATCHDOG=1`: four times before a silent process is killed."""
    microseconds = os.environ.get("WATCHDOG_USEC")
    return int(microseconds) / 4_000_000 if microseconds else None
