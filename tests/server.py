"""The real web server as processes, on the test database: for races, crashes and fuzzing."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

import yaml
from django.conf import settings
from django.db import connection

from dev.local_stack import processes
from dev.local_stack.ports import free_port
from tests.waiting import DEADLINE_SECONDS, eventually

ROOT = Path(__file__).resolve().parent.parent


def test_database_url() -> str:
    """DATABASE_URL with the name of the database that the tests made."""
    parts = urlsplit(settings.DATABASE_URL)
    return urlunsplit(parts._replace(path=f"/{connection.settings_dict['NAME']}"))


def patient_database_url() -> str:
    """The same, where a request waits 4 s for a row: a busy machine opens connections slowly."""
    url = test_database_url()
    options = quote("-c lock_timeout=4s -c statement_timeout=4500ms")
    return f"{url}{'&' if '?' in url else '?'}options={options}"


GENEROUS_LIMITS = {
    f"RATE_LIMIT_{name}": "1000000/minute"
    for name in (
        "PROJECT", "ORGANIZATION", "SESSIONS", "MOVESPECS", "MINT", "ANONYMOUS", "ATTACH",
        "LOGIN",
    )
}  # fmt: skip


def said_by_settings(program: str, variables: Mapping[str, str]) -> str:
    """What a Python program prints where these variables, and no others, make the settings."""
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={
            "PATH": os.environ["PATH"],
            "ENV_FILE": os.devnull,
            "DJANGO_SETTINGS_MODULE": "kynaplatform.settings",
            **variables,
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout, done.stderr
    return done.stdout


@contextlib.contextmanager
def web_server(
    folder: Path, workers: int = 1, environment: Mapping[str, str] | None = None
) -> Iterator[str]:
    """Run both services on one port; gives its base URL. The log is `folder/web.log`."""
    port = free_port()
    environment = {"WEB_PROCESSES": str(workers), "WEB_THREADS": "2", **(environment or {})}
    command = ["dev.local_stack.web", "--port", str(port)]
    with _server(command, port, folder, folder / "web.log", environment):
        yield f"http://127.0.0.1:{port}"


@contextlib.contextmanager
def api_server(
    folder: Path, workers: int = 1, environment: Mapping[str, str] | None = None
) -> Iterator[str]:
    """Run the API alone, on its WEB_THREADS; gives its base URL. The log is `folder/api.log`."""
    variables = {"WEB_PROCESSES": str(workers), **(environment or {})}
    with service("api", folder, variables) as (port, _):
        yield f"http://127.0.0.1:{port}"


@contextlib.contextmanager
def watched_api(folder: Path, environment: Mapping[str, str]) -> Iterator[str]:
    """Run the API, which tells at /watched what it keeps; the log is `folder/watched.log`."""
    port = free_port()
    command = ["tests.api.watched_server", "--port", str(port)]
    with _server(command, port, folder, folder / "watched.log", environment):
        yield f"http://127.0.0.1:{port}"


@contextlib.contextmanager
def service(
    name: str,
    folder: Path,
    environment: Mapping[str, str] | None = None,
    port: int | None = None,
    monitor_port: int | None = None,
) -> Iterator[tuple[int, int]]:
    """Run `api` or `pages` as production does; gives its port, and the one for monitors.

    The log is `folder/<name>.log`.
    """
    port, monitor_port = port or free_port(), monitor_port or free_port()
    command = ["kynaplatform", name, "--port", str(port), "--monitor-port", str(monitor_port)]
    environment = {"WEB_PROCESSES": "1", "WEB_THREADS": "2", **(environment or {})}
    with _server(command, port, folder, folder / f"{name}.log", environment):
        yield port, monitor_port


@dataclass(frozen=True)
class RuntimeServer:
    """A runtime of its own process; `url` is what PUBLIC_STREAM_URL would be."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/api/detection/stream"

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def attached_sessions(self) -> int:
        url = f"{self.base_url}/metrics"
        with urllib.request.urlopen(url, timeout=DEADLINE_SECONDS) as response:  # noqa: S310
            for line in response.read().decode().splitlines():
                name, _, value = line.partition(" ")
                if name == "kyna_stream_attached_sessions":
                    return int(float(value))
        raise AssertionError("The metric is not there.")

    def await_no_sockets(self) -> None:
        """Until it has nothing to do with any session, so that tables may be emptied."""
        eventually(lambda: self.attached_sessions() == 0, "every socket is closed")


@contextlib.contextmanager
def runtime_server(
    folder: Path,
    environment: Mapping[str, str] | None = None,
    port: int | None = None,
    module: str = "realtime",
) -> Iterator[RuntimeServer]:
    """Run a realtime runtime as production does. The log is `folder/runtime-<port>.log`."""
    port = port or free_port()
    log = folder / f"runtime-{port}.log"
    environment = {"REALTIME_PORT": str(port), **(environment or {})}
    with _server([module], port, folder, log, environment) as process:
        yield RuntimeServer(process, port, log)


@contextlib.contextmanager
def _server(
    command: Sequence[str], port: int, folder: Path, log: Path, environment: Mapping[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    process = processes.start(
        [sys.executable, "-m", *command],
        cwd=ROOT,
        env={
            **os.environ,
            **GENEROUS_LIMITS,
            "DATABASE_URL": test_database_url(),
            "DATA_DIR": str(folder),
            **environment,
        },
        stdout=log.open("ab"),
    )
    try:
        _wait_until_ready(process, f"http://127.0.0.1:{port}", log)
        yield process
    finally:
        processes.stop(process, signals=[(signal.SIGTERM, DEADLINE_SECONDS)])


@contextlib.contextmanager
def worker_and_beat(
    folder: Path, broker_url: str, environment: Mapping[str, str] | None = None
) -> Iterator[None]:
    """Run both as compose.yaml does. The logs are `folder/worker.log` and `folder/beat.log`."""
    services = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    variables = {
        **os.environ,
        "DATABASE_URL": test_database_url(),
        "DATA_DIR": str(folder),
        "CELERY_BROKER_URL": broker_url,
        **(environment or {}),
    }
    with contextlib.ExitStack() as stack:
        for name, said in (("worker", " ready."), ("beat", "beat: Starting...")):
            words = " ".join(services[name]["command"])
            words = words[words.index("celery ") :]
            command = re.sub(r"--schedule=\S+", f"--schedule={folder}/schedule", words).split()
            log = folder / f"{name}.log"
            process = processes.start(
                [sys.executable, "-m", *command], cwd=ROOT, env=variables, stdout=log.open("ab")
            )
            stack.callback(processes.stop, process, signals=[(signal.SIGTERM, DEADLINE_SECONDS)])
            deadline = time.monotonic() + DEADLINE_SECONDS
            while said not in log.read_text():
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < deadline, log.read_text()
                time.sleep(0.05)
        yield


def _wait_until_ready(process: subprocess.Popen[bytes], base_url: str, log: Path) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()
        try:
            with urllib.request.urlopen(f"{base_url}/healthz", timeout=2):  # noqa: S310
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
    raise AssertionError(log.read_text())
