"""A whole platform, as `make run` starts it, for as long as something needs one."""

import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local_stack import processes
from local_stack.environment import PROJECT
from local_stack.run import why_not_ready

READY_SECONDS = 120.0
STOP_SECONDS = 30.0
POLL_SECONDS = 0.1


class PlatformFailedError(Exception):
    """It ended or was not ready in time; the text is its log."""


@contextmanager
def platform(data_dir: Path, *, port: int, realtime_port: int, log: Path) -> Iterator[str]:
    """Start the platform of `data_dir` and stop it at the end; its base URL.

    It stops in order, the database last, also when this process is killed.
    """
    variables = {
        **os.environ,
        "DATA_DIR": str(data_dir),
        "PORT": str(port),
        "REALTIME_PORT": str(realtime_port),
        "PUBLIC_STREAM_URL": f"ws://127.0.0.1:{realtime_port}/api/detection/stream",
    }
    data_dir.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        run = processes.start(
            [sys.executable, "-m", "local_stack.run"],
            cwd=PROJECT,
            env=variables,
            stdout=output,
            death_signal=signal.SIGTERM,
            death_seconds=STOP_SECONDS,
        )
    base_url = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + READY_SECONDS
        for url in (base_url, f"http://127.0.0.1:{realtime_port}"):
            while why_not_ready(url) is not None:
                if run.poll() is not None or time.monotonic() > deadline:
                    raise PlatformFailedError(log.read_text(errors="replace"))
                time.sleep(POLL_SECONDS)
        yield base_url
    finally:
        processes.stop(run, signals=[(signal.SIGTERM, STOP_SECONDS)])
