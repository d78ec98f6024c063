"""`python -m realtime.watchdog COMMAND…`: runs a command, and kills it once it stands still.

It is to a runtime what systemd is by WatchdogSec, where there is no systemd: the runtime tells it
by `kynaplatform/service_manager.py` that its loop goes round. It passes SIGTERM and SIGINT on, and
ends as the command does. It starts nothing anew: that is for whoever started it.
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
# Silence is counted in parts, of which one that took longer than it should is one all the same. So
# who was frozen together with the command, as by a pause of the machine, lets it speak first.
PARTS: Final = 6
PR_SET_PDEATHSIG: Final = 1


def run(command: Sequence[str]) -> int:
    """Run it to its end; its exit status, or 128 and the signal's number."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
        # The kernel chooses a name that leaves no file.
        told.bind("")
        told.setblocking(False)
        process = subprocess.Popen(  # noqa: S603 - the operator's own command
            command,
            env={
                **os.environ,
                "NOTIFY_SOCKET": f"@{told.getsockname()[1:].decode()}",
                "WATCHDOG_USEC": str(round(SILENT_SECONDS * 1e6)),
            },
            preexec_fn=_die_with_parent,
        )
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda number, _: process.send_signal(number))
        _watch(process, told)
    status = process.wait()
    return status if status >= 0 else 128 - status


def _watch(process: "subprocess.Popen[bytes]", told: socket.socket) -> None:
    """Until it ends; from READY=1 to STOPPING=1 it is killed when it says nothing."""
    ended = os.pidfd_open(process.pid)
    is_watched, silent_parts = False, 0
    with selectors.DefaultSelector() as selector:
        selector.register(ended, selectors.EVENT_READ)
        selector.register(told, selectors.EVENT_READ)
        while True:
            ready = {key.fd for key, _ in selector.select(SILENT_SECONDS / PARTS)}
            if ended in ready:
                break
            silent_parts = 0 if ready else silent_parts + 1
            if ready:
                match told.recv(1000):
                    case b"READY=1":
                        is_watched = True
                    case b"STOPPING=1":
                        is_watched = False
            elif is_watched and silent_parts >= PARTS:
                # First: a line may wait for whoever reads it.
                process.kill()
                is_watched = False
                _tell_killed(process.pid)
    os.close(ended)


def _die_with_parent() -> None:
    """The command is killed where this process is: nobody would watch it."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, ctypes.c_ulong(signal.SIGKILL), 0, 0, 0)


def _tell_killed(pid: int) -> None:
    """A line in the form of the others. The settings are read for it, and not before."""
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
