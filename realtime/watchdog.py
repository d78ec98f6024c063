"""`python -m realtime.watchdog COMMAND…`: runs a command, and kills it once it stands still.

It does for a runtime what systemd's WatchdogSec does where there is systemd. The runtime reports
that its loop goes round (`kynaplatform/service_manager.py`). The watchdog passes SIGTERM and SIGINT
on, ends as the command does, and restarts nothing.
"""

import ctypes
import logging
import os
import selectors
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from typing import Final

logger = logging.getLogger("kynaplatform.realtime")

SILENT_SECONDS: Final = 3.0
# Silence is counted in parts, and a part that took too long counts once. So a watchdog that was
# frozen together with the command, as by a pause of the machine, lets it report first.
PARTS: Final = 6
PR_SET_PDEATHSIG: Final = 1


def run(command: Sequence[str]) -> int:
    """Run the command. Returns its exit status, or 128 and the signal's number."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as reports:
        # The kernel chooses a name that leaves no file.
        reports.bind("")
        reports.setblocking(False)
        process = subprocess.Popen(  # noqa: S603 - the operator's own command
            command,
            env={
                **os.environ,
                "NOTIFY_SOCKET": f"@{reports.getsockname()[1:].decode()}",
                "WATCHDOG_USEC": str(round(SILENT_SECONDS * 1e6)),
            },
            preexec_fn=_die_with_parent,
        )
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda number, _: process.send_signal(number))
        _watch(process, reports)
    status = process.wait()
    return status if status >= 0 else 128 - status


def _watch(process: "subprocess.Popen[bytes]", reports: socket.socket) -> None:
    """Wait for its end, and kill it if it is silent between READY=1 and STOPPING=1."""
    ended = os.pidfd_open(process.pid)
    is_watched, silent_parts = False, 0
    with selectors.DefaultSelector() as selector:
        selector.register(ended, selectors.EVENT_READ)
        selector.register(reports, selectors.EVENT_READ)
        while True:
            ready = {key.fd for key, _ in selector.select(SILENT_SECONDS / PARTS)}
            if ended in ready:
                break
            silent_parts = 0 if ready else silent_parts + 1
            if ready:
                match reports.recv(1000):
                    case b"READY=1":
                        is_watched = True
                    case b"STOPPING=1":
                        is_watched = False
            elif is_watched and silent_parts >= PARTS:
                # Before the log line, which may block.
                process.kill()
                is_watched = False
                _log_kill(process.pid)
    os.close(ended)


def _die_with_parent() -> None:
    """Have the kernel kill the command if this process is killed."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, ctypes.c_ulong(signal.SIGKILL), 0, 0, 0)


def _log_kill(pid: int) -> None:
    """Log as the runtime does. Only this needs the settings."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kynaplatform.settings")
    from django.conf import settings
    from django.utils.log import configure_logging

    from kynaplatform.database.session_settings import RUNTIME, begin_as

    begin_as(RUNTIME)
    configure_logging(settings.LOGGING_CONFIG, settings.LOGGING)
    logger.error(
        "process %(killed)d said nothing for %(seconds).0f s and was killed",
        {"killed": pid, "seconds": SILENT_SECONDS},
    )


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
