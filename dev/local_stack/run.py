"""`make run`: database, migrations, demo data, then web, stream, workers and beat in the
foreground.

Ctrl-C or SIGTERM stops all of it, web first and database last, and leaves no process; so does
`kill -9` of this process, because each child has a guard that outlives it just long enough.
"""

import fcntl
import json
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from dev.local_stack import processes
from dev.local_stack.cluster_folders import PostgresUnavailableError
from dev.local_stack.console import say
from dev.local_stack.environment import PROJECT, REALTIME_PORT, database, fill
from dev.local_stack.guard import PR_SET_PDEATHSIG, become_subreaper, prctl
from dev.local_stack.services import RunLog, Service, kill_strays

if TYPE_CHECKING:
    from dev.local_stack.postgres import EmbeddedPostgres

HOST = "127.0.0.1"
READY_SECONDS = 60.0
POLL_SECONDS = 0.05
MAX_PORT = 65_535
LEFTOVER_SECONDS = 1.0
# Neither has a meaning in development: no static files are collected, and root is a fresh
# machine's user.
QUIET_WARNINGS = "ignore:No directory at,ignore:You're running the worker with superuser"
# Printed once the platform is ready.
TEXT = """
Platform: {base_url}
Admin:    {base_url}/admin/ as {admin_username} with {admin_password}
API:      {base_url}/api/docs
Camera:   {base_url}/try
Stream:   {stream_url}
Ctrl-C stops all of it.

Try in another terminal, in this folder:

# a whole session, counted as it comes
{elsewhere}make demo

# a session of your own: get an access token, create the session
{create}"""

# README and docs/api.md have the same.
CREATE = r"""
. .data/demo.env

TOKEN=$(curl -sS "$KYNA_URL/api/auth/access-tokens" -H 'Content-Type: application/json' \
  -d '{"api_key": "'"$KYNA_API_KEY"'"}' | sed -n 's/.*"access_token": *"\([^"]*\)".*/\1/p')

SESSION=$(curl -sS "$KYNA_URL/api/detection/sessions" -H "Authorization: Bearer $TOKEN" \
  -H "Idempotency-Key: $(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')" \
  -H 'Content-Type: application/json' \
  -d '{"mode": "live", "project_id": "'"$KYNA_PROJECT_ID"'", "movement": "catalogue/squat"}')
echo "$SESSION"
""".lstrip()
STOPPING = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}


class StoppedError(Exception):
    """The user asked it to stop."""


class FailedError(Exception):
    """The platform cannot be started; the text says why."""


def main() -> int:
    # Blocked, and fetched where the platform can be stopped in order.
    signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING | {signal.SIGCHLD})
    if "--end-with-make" in sys.argv:
        prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    become_subreaper()
    try:
        run()
    except StoppedError:
        say("run    | stopped")
        return 0
    except (FailedError, PostgresUnavailableError) as failure:
        say(f"run    | {failure}")
        return 1
    return 0


def run() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kynaplatform.settings")
    is_development = fill(os.environ)
    port, realtime_port = chosen_ports()
    data_dir = Path(os.environ.setdefault("DATA_DIR", str(PROJECT / ".data")))
    with only_run(data_dir):
        require_free("PORT", port)
        require_free("REALTIME_PORT", realtime_port)
        log = RunLog(data_dir / "platform.log")
        log.say(f"starting; every line of it is in {near(log.path)}")
        with database(os.environ, reuse=False) as server:
            base_url = f"http://{HOST}:{port}"
            prepare(base_url if is_development else None, log)
            services = make_services(port, realtime_port, data_dir, log)
            try:
                for service in services:
                    service.start()
                stream_url = f"http://{HOST}:{realtime_port}"
                wait_until_ready([base_url, stream_url], services)
                log.say(f"ready: {base_url}")
                if is_development:
                    say(announcement(data_dir))
                watch(services, server, log)
            finally:
                stop(services)


def stop(services: list[Service]) -> None:
    """Web first, then the others together: Celery's take seconds each."""
    web, *others = services
    web.stop()
    with ThreadPoolExecutor(len(others)) as threads:
        for _ in threads.map(Service.stop, others):
            pass


def make_services(port: int, realtime_port: int, data_dir: Path, log: RunLog) -> list[Service]:
    variables = dict(os.environ) | {"PYTHONUNBUFFERED": "1"}
    variables.setdefault("PYTHONWARNINGS", QUIET_WARNINGS)
    if not variables.get("PROMETHEUS_MULTIPROC_DIR"):
        metrics = data_dir / "metrics"
        shutil.rmtree(metrics, ignore_errors=True)
        metrics.mkdir(parents=True)
        variables["PROMETHEUS_MULTIPROC_DIR"] = str(metrics)
    # One process, which counts for itself.
    alone = {"PROMETHEUS_MULTIPROC_DIR": ""}
    # A folder broker moves each message that it takes to TMPDIR first. Across devices that is a
    # copy, which two workers could make at once.
    of_celery = variables | alone | {"TMPDIR": str(data_dir / "broker" / "taken")}
    # None unless it is set: another run beside this one would want the same.
    of_celery["WORKER_METRICS_PORT"] = os.environ.get("WORKER_METRICS_PORT") or "0"
    of_stream = variables | alone | {"REALTIME_PORT": str(realtime_port)}
    celery = ["celery", "--quiet", "-A", "kynaplatform"]
    # One process that runs one task at a time is enough for one machine's tasks. A fixed name,
    # because each new one would leave its queue in the broker's folder.
    worker = [*celery, "worker", "--pool", "solo"]
    worker += ["--without-gossip", "--without-mingle", "--without-heartbeat", "--hostname"]
    # The port is the worker's alone.
    of_sender = of_celery | {"WORKER_METRICS_PORT": "0"}
    schedule = str(data_dir / "celerybeat-schedule")
    return [
        Service(name, [sys.executable, "-m", *command], env, log)
        for name, command, env in (
            ("web", ["dev.local_stack.web", "--port", str(port)], variables),
            ("stream", ["realtime"], of_stream),
            ("worker", [*worker, "worker@local"], of_celery),
            ("webhooks", [*worker, "webhooks@local", "-Q", "webhooks"], of_sender),
            ("beat", [*celery, "beat", "--pidfile=", "--schedule", schedule], of_celery),
        )
    ]


def prepare(demo_base_url: str | None, log: RunLog) -> None:
    command = [sys.executable, "-m", "dev.local_stack.prepare"]
    command += [demo_base_url] if demo_base_url else []
    process = processes.start(
        command,
        env=dict(os.environ) | {"PYTHONUNBUFFERED": "1"},
        cwd=PROJECT,
        stdout=subprocess.PIPE,
    )
    lines: list[str] = []
    assert process.stdout is not None  # noqa: S101 - it is a pipe
    output = log.follow("setup", process.stdout, show=lines.append)
    try:
        while process.poll() is None:
            pause(POLL_SECONDS)
    finally:
        processes.stop(process, signals=[(signal.SIGTERM, 5)])
    output.join(timeout=1)
    if process.returncode != 0:
        say("\n".join(lines))
        raise FailedError("setup failed: its output is above")


def announcement(data_dir: Path) -> str:
    demo = json.loads((data_dir / "demo.json").read_text())
    is_elsewhere = data_dir != PROJECT / ".data"
    return TEXT.format(
        **demo,
        elsewhere=f"DATA_DIR={shlex.quote(str(data_dir))} " if is_elsewhere else "",
        create=CREATE.replace(".data", shlex.quote(str(data_dir)) if is_elsewhere else ".data"),
    )


def near(path: Path) -> Path:
    return path.relative_to(PROJECT) if path.is_relative_to(PROJECT) else path


def wait_until_ready(base_urls: list[str], services: list[Service]) -> None:
    deadline = time.monotonic() + READY_SECONDS
    for base_url in base_urls:
        while (reason := why_not_ready(base_url)) is not None:
            for service in services:
                if (status := service.ended()) is not None:
                    said = f"what it said is in {near(service.log.path)}"
                    raise FailedError(f"{service.name} ended ({status}): {said}")
            if time.monotonic() > deadline:
                raise FailedError(
                    f"not ready after {READY_SECONDS:.0f} s; {base_url}/readyz: {reason}"
                )
            pause(POLL_SECONDS)


def why_not_ready(base_url: str) -> str | None:
    """The faults that its `/readyz` reports; None once it serves."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        opener.open(f"{base_url}/readyz", timeout=10).close()
    except urllib.error.HTTPError as error:
        return f"{error.code} {error.read(500).decode(errors='replace')}"
    except OSError as error:
        return str(error)
    return None


def watch(services: list[Service], server: "EmbeddedPostgres | None", log: RunLog) -> None:
    while True:
        pause(1.0)
        owned = [service.process for service in services]
        guards = [one for one in (*owned, server.process if server else None) if one]
        if any(guard.poll() is not None for guard in guards):
            kill_strays({guard.pid for guard in guards})
        if server and server.process and server.process.poll() is not None:
            log.say("the database ended, starting it again")
            server.start()
        now = time.monotonic()
        for service in services:
            service.keep_running(now)


def pause(seconds: float) -> None:
    """Wait, less when a child ends. Raises StoppedError when the user asks it to stop."""
    info = signal.sigtimedwait(STOPPING | {signal.SIGCHLD}, seconds)
    if info is not None and info.si_signo in STOPPING:
        say("run    | stopping")
        raise StoppedError


def chosen_ports() -> tuple[int, int]:
    """PORT and REALTIME_PORT. Raises FailedError if either is no port, or both are the same."""
    ports = []
    for name, default in (("PORT", "8000"), ("REALTIME_PORT", REALTIME_PORT)):
        given = os.environ.get(name) or default
        if not given.isdigit() or not 0 < int(given) <= MAX_PORT:
            raise FailedError(f"{name} is {given!r}: it must be a number from 1 to {MAX_PORT}.")
        ports.append(int(given))
    port, realtime_port = ports
    if port == realtime_port:
        raise FailedError(f"PORT and REALTIME_PORT are both {port}: each needs its own.")
    return port, realtime_port


def require_free(name: str, port: int) -> None:
    # What a killed run leaves is gone within a moment.
    deadline = time.monotonic() + LEFTOVER_SECONDS
    while True:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
                return
            except OSError as error:
                if time.monotonic() > deadline:
                    raise FailedError(
                        f"{name} {port} cannot be used ({error.strerror}): stop what uses it, "
                        f"or choose another, such as {name}=8080 make run"
                    ) from error
        pause(POLL_SECONDS)


@contextmanager
def only_run(data_dir: Path) -> Iterator[None]:
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (data_dir / "run.lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock.seek(0)
            raise FailedError(
                f"Another `make run` (process {lock.read().strip()}) uses {data_dir}: stop it, "
                "or give this one another DATA_DIR, PORT and REALTIME_PORT."
            ) from error
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


if __name__ == "__main__":
    sys.exit(main())
