"""Child processes that cannot outlive this one: each runs under its own guard."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from dev.local_stack.guard import STARTER_DIED

GUARD = Path(__file__).with_name("guard.py")
GUARD_MARGIN_SECONDS = 5.0
POLL_SECONDS = 0.05


class NotReadyError(Exception):
    """The command ended, or was not ready in time; the text is its log."""


def start(
    command: Sequence[str | Path],
    *,
    env: Mapping[str, str],
    cwd: Path | None = None,
    stdout: int | IO[bytes] | None = None,
    death_signal: signal.Signals = signal.SIGKILL,
    death_seconds: float = 10.0,
    user: tuple[int, int] | None = None,
    remove: Sequence[Path] = (),
    pass_fds: Sequence[int] = (),
) -> subprocess.Popen[bytes]:
    """Start `command` under a guard, in a session of its own so that Ctrl-C does not reach it.

    Signals sent to the returned process reach the command. When this process dies the command
    gets `death_signal`, `death_seconds` later SIGKILL, and so does everything below it;
    the folders in `remove` are deleted once all of it is gone.
    """
    if threading.current_thread() is not threading.main_thread():
        raise RuntimeError("The kernel ties a death signal to the thread: start from the main one.")
    options = {
        "starter": os.getpid(),
        "death_signal": int(death_signal),
        "death_seconds": death_seconds,
        "user": user and user[0],
        "group": user and user[1],
        "remove": list(map(str, remove)),
    }
    return subprocess.Popen(  # noqa: S603
        [sys.executable, "-I", "-S", str(GUARD), json.dumps(options), *map(str, command)],
        env=dict(env),
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        pass_fds=pass_fds,
    )


def stop(
    process: subprocess.Popen[bytes],
    *,
    signals: Sequence[tuple[signal.Signals, float]],
) -> int:
    """Send each signal in turn, and wait its seconds for an end. Returns the guard's exit status.

    Finally the guard is signalled as if its starter had died, which ends everything below it.
    """
    for signum, seconds in (*signals, (STARTER_DIED, GUARD_MARGIN_SECONDS)):
        process.send_signal(signum)
        try:
            return process.wait(seconds)
        except subprocess.TimeoutExpired:
            continue
    process.kill()
    return process.wait()


@contextmanager
def running(
    command: Sequence[str | Path],
    *,
    log: Path,
    is_ready: Callable[[], bool],
    ready_seconds: float,
    signals: Sequence[tuple[signal.Signals, float]],
    **options: Any,
) -> Iterator[subprocess.Popen[bytes]]:
    """A command that is ready inside the block, and stopped after it.

    Its output is in `log`, and `options` are those of `start`. Raises NotReadyError.
    """
    with log.open("wb") as output:
        process = start(command, stdout=output, **options)
    try:
        deadline = time.monotonic() + ready_seconds
        while not is_ready():
            if process.poll() is not None or time.monotonic() > deadline:
                raise NotReadyError(log.read_text(errors="replace"))
            time.sleep(POLL_SECONDS)
        yield process
    finally:
        stop(process, signals=signals)
