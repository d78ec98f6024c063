"""The process of a whole platform, as `make run` starts it."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dev.local_stack import processes
from dev.local_stack.environment import PROJECT
from dev.local_stack.run import why_not_ready

READY_SECONDS = 120.0
STOP_SECONDS = 30.0


@contextmanager
def platform(data_dir: Path, *, port: int, realtime_port: int, log: Path) -> Iterator[str]:
    """The platform of `data_dir`, ready inside the block and stopped after it; its base URL.

    It stops in order, the database last, also when this process is killed. Raises NotReadyError.
    """
    base_url = f"http://127.0.0.1:{port}"
    urls = (base_url, f"http://127.0.0.1:{realtime_port}")
    data_dir.mkdir(parents=True, exist_ok=True)
    with processes.running(
        [sys.executable, "-m", "dev.local_stack.run"],
        log=log,
        is_ready=lambda: all(why_not_ready(url) is None for url in urls),
        ready_seconds=READY_SECONDS,
        signals=[(signal.SIGTERM, STOP_SECONDS)],
        cwd=PROJECT,
        env={
            **os.environ,
            "DATA_DIR": str(data_dir),
            "PORT": str(port),
            "REALTIME_PORT": str(realtime_port),
            "PUBLIC_STREAM_URL": f"ws://127.0.0.1:{realtime_port}/api/detection/stream",
        },
        death_signal=signal.SIGTERM,
        death_seconds=STOP_SECONDS,
    ):
        yield base_url
