"""The real web server as processes, on the test database: for races, crashes and fuzzing."""

import contextlib
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from django.conf import settings
from django.db import connection

from local_stack import processes
from local_stack.ports import free_port

ROOT = Path(__file__).resolve().parent.parent


def test_database_url() -> str:
    """DATABASE_URL with the name of the database that the tests made."""
    parts = urlsplit(settings.DATABASE_URL)
    return urlunsplit(parts._replace(path=f"/{connection.settings_dict['NAME']}"))


@contextlib.contextmanager
def web_server(
    folder: Path, workers: int = 1, environment: Mapping[str, str] | None = None
) -> Iterator[str]:
    """Run granian as production does; gives its base URL. The log is `folder/web.log`."""
    port = free_port()
    limits = {
        f"RATE_LIMIT_{name}": "1000000/minute"
        for name in ("PROJECT", "ORGANIZATION", "SESSIONS", "MOVESPECS", "MINT", "ANONYMOUS")
    }
    process = processes.start(
        [
            sys.executable, "-m", "granian", "--interface", "wsgi",
            "kynaplatform.wsgi:application", "--host", "127.0.0.1", "--port", str(port),
            "--workers", str(workers), "--blocking-threads", "2", "--no-ws",
            "--blocking-threads-idle-timeout", "600", "--respawn-failed-workers",
        ],
        cwd=ROOT,
        env={
            **os.environ,
            **limits,
            "DATABASE_URL": test_database_url(),
            "DATA_DIR": str(folder),
            **(environment or {}),
        },
        stdout=(folder / "web.log").open("wb"),
        stderr=subprocess.STDOUT,
    )  # fmt: skip
    base_url = f"http://127.0.0.1:{port}"
    try:
        _wait_until_ready(process, base_url, folder / "web.log")
        yield base_url
    finally:
        processes.stop(process, signals=[(signal.SIGTERM, 10)])


def _wait_until_ready(process: subprocess.Popen[bytes], base_url: str, log: Path) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()
        try:
            with urllib.request.urlopen(f"{base_url}/healthz", timeout=2):  # noqa: S310
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
    raise AssertionError(log.read_text())
