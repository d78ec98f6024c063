"""What production runs, as it is installed there: the Dockerfile's files and packages alone, an
unprivileged user, and the commands, variables and health checks of the Dockerfile and compose.yaml
"""

import contextlib
import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from local_stack import processes
from local_stack.environment import PROJECT, make_secrets
from local_stack.ports import free_port, listens
from local_stack.pytest_plugin import skip_without
from local_stack.server_place import is_open, make_place
from poses.figure import perform
from poses.recordings import Recording, save
from realtime.rest_client import RestClient
from tests.deploy.composition import Service, services_of
from tests.deploy.image import Image, build, lines_of
from tests.deploy.operating import bootstrap, operate
from tests.deploy.own_database import own_database
from tests.deploy.proxy import proxy

NOBODY = 65534
RABBITMQ_PORT = 5672
READY_SECONDS = 120.0
# Beat sends the sweep every 15 s.
SWEPT_SECONDS = 90.0
REPETITIONS = 3
METRICS_TOKEN = "a-token-of-the-metrics"

Build = Callable[[], Image]


@pytest.fixture(scope="module")
def build_image() -> Iterator[Build]:
    python = find_python()
    if python is None:
        skip_without("no Python 3.11 to 3.13 with venv is one that every user may run")
        return
    folder = PROJECT / ".pytest_cache" / "production"
    folder.mkdir(parents=True, exist_ok=True)
    if os.geteuid() == 0 and not is_open(folder):
        folder = make_place(folder)
    with (folder / "lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield lambda: build(folder, python)


def find_python() -> str | None:
    """One that the unprivileged user can run too: what root has installed for itself is not."""
    others = (f"python3{minor}" for minor in ("", ".13", ".12", ".11"))
    found = [sys._base_executable, *filter(None, map(shutil.which, others))]
    asked = "import ensurepip, ssl, sys, venv; sys.exit(not (3, 11) <= sys.version_info < (3, 14))"
    for python in [*found, "/usr/bin/python3"]:
        with contextlib.suppress(OSError):
            done = subprocess.run(
                [python, "-c", asked],
                cwd="/",
                env={},
                stderr=subprocess.DEVNULL,
                check=False,
                user=NOBODY if os.geteuid() == 0 else None,
            )
            if done.returncode == 0:
                return python
    return None


@pytest.fixture(params=["redis", "rabbitmq"])
def broker_url(request: pytest.FixtureRequest, redis_url: str) -> str:
    if request.param == "redis":
        return urlsplit(redis_url)._replace(path="/9").geturl()
    if not listens(RABBITMQ_PORT):
        skip_without(f"no RabbitMQ answers on port {RABBITMQ_PORT}")
    return f"amqp://guest:guest@127.0.0.1:{RABBITMQ_PORT}//"


def eventually(is_so: Callable[[], bool], seconds: float, told: Callable[[], str]) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, told()
        time.sleep(0.2)


@contextlib.contextmanager
def running(services: Mapping[str, Service]) -> Iterator[dict[str, "subprocess.Popen[bytes]"]]:
    """While inside, all of them run; at the end each stops by itself when it is told to."""
    started: dict[str, subprocess.Popen[bytes]] = {}
    try:
        for name, service in services.items():
            started[name] = service.start()
        yield started
        assert [name for name, process in started.items() if process.poll() is not None] == []
        for process in started.values():
            process.send_signal(signal.SIGTERM)
        assert {name: process.wait(30) for name, process in started.items()} == dict.fromkeys(
            started, 0
        )
    finally:
        for process in started.values():
            processes.stop(process, signals=[])


def logs_of(services: Mapping[str, Service]) -> str:
    return "\n".join(service.log.read_text() for service in services.values())


def wait_until_ready(
    port: int, started: Mapping[str, "subprocess.Popen[bytes]"], told: Callable[[], str]
) -> None:
    def is_so() -> bool:
        assert all(process.poll() is None for process in started.values()), told()
        return is_ready(port)

    eventually(is_so, READY_SECONDS, told)


def is_ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5) as answer:
            return set(json.load(answer).values()) == {"ok"}
    except OSError:
        return False


def test_the_production_set_serves_sessions(
    build_image: Build,
    redis_url: str,
    broker_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    image = build_image()
    ports = {name: free_port() for name in ("web-1", "web-2", "realtime-1", "realtime-2")}
    of_api, of_stream = ([*ports.values()][:2], [*ports.values()][2:])
    worker_port = free_port()
    with (
        own_database() as database_url,
        proxy(tmp_path, api_ports=of_api, realtime_ports=of_stream) as port,
    ):
        services = services_of(
            image,
            make_secrets()
            | dict.fromkeys(("POSTGRES_PASSWORD", "REDIS_PASSWORD"), "secret")
            | {
                "ALLOWED_HOSTS": "localhost",
                "PUBLIC_STREAM_URL": f"wss://localhost:{port}/api/detection/stream",
            },
            {
                "DATABASE_URL": database_url,
                "REDIS_URL": urlsplit(redis_url)._replace(path="/8").geturl(),
                "CELERY_BROKER_URL": broker_url,
                "TRUSTED_PROXIES": "127.0.0.1",
                "METRICS_TOKEN": METRICS_TOKEN,
            },
            tmp_path,
        )
        for name, own_port in ports.items():
            setting = "PORT" if name.startswith("web") else "REALTIME_PORT"
            services[name].variables[setting] = str(own_port)
        services["worker"].variables["WORKER_METRICS_PORT"] = str(worker_port)
        migrate = services.pop("migrate")
        assert migrate.start().wait(READY_SECONDS) == 0, migrate.log.read_text()
        assert [*services] == [*ports, "worker", "beat"]
        with running(services) as started:
            for name, own_port in ports.items():
                wait_until_ready(own_port, started, lambda: logs_of(services))
                assert services[name].is_healthy()
            eventually(services["worker"].is_healthy, READY_SECONDS, lambda: logs_of(services))
            checked = {name for name, service in services.items() if service.healthcheck}
            assert checked == {*ports, "worker"}
            shared = services["web-1"].tmp
            shutil.copy(tmp_path / "kyna.crt", shared)
            monkeypatch.setenv("SSL_CERT_FILE", str(shared / "kyna.crt"))
            web = services["web-1"]
            if os.geteuid() == 0:
                assert web.run("python", "-c", "import os; print(os.getuid())") == "10001\n"
            credentials = bootstrap(migrate)
            (shared / "credentials.json").write_text(credentials)
            url = f"https://localhost:{port}"
            stream_to_the_end(web, shared, url)

            def meanwhile() -> None:
                if broker_url.startswith("redis"):
                    operate(migrate, json.loads(credentials), url, database_url)

            told = partial(logs_of, services)
            expire(json.loads(credentials), url, database_url, told, meanwhile)
            assert_worker_counts(worker_port)


def stream_to_the_end(service: Service, folder: Path, url: str) -> None:
    """By the image's own client, through nginx."""
    frames = [frame.landmarks for frame in perform("squat", repetitions=REPETITIONS, fps=30)]
    recording = Recording(
        exercise="squat", count=REPETITIONS, rep_frames=None, fps=30, source="", frames=[*frames]
    )
    save(folder / "squats.json.gz", recording)
    said = service.run(
        *("python", "manage.py", "stream", str(folder / "squats.json.gz")),
        *("--movespec", "examples/movespecs/squat.yaml", "--server", url, "--json"),
        *("--credentials", str(folder / "credentials.json")),
        SSL_CERT_FILE=str(folder / "kyna.crt"),
    )
    told = json.loads(said.splitlines()[-1])
    assert (told["faults"], told["record"]["status"]) == ([], "completed")
    assert sum(told["completed"].values()) == REPETITIONS


def expire(
    credentials: Mapping[str, str],
    url: str,
    database_url: str,
    told: Callable[[], str],
    meanwhile: Callable[[], None],
) -> None:
    """A session whose client never comes is ended by the worker: nobody else asks for it."""
    api = RestClient(url)
    api.mint(credentials["api_key_secret"])
    yaml_source = (PROJECT / "examples" / "movespecs" / "squat.yaml").read_text()
    version_id = api.create_version(api.create_movespec("squat"), yaml_source)
    created = api.create_session(
        project_id=credentials["project_id"], mode="live", movespec_version_id=version_id
    )
    with psycopg.connect(database_url, autocommit=True) as database:
        database.execute(
            "UPDATE detection_session SET deadline_at = now() - interval '1 second' WHERE id = %s",
            [created["session_id"]],
        )
        meanwhile()

        def is_expired() -> bool:
            row = database.execute(
                "SELECT status, terminal_outcome FROM detection_session WHERE id = %s",
                [created["session_id"]],
            ).fetchone()
            return row == ("cancelled", "expired")

        eventually(is_expired, SWEPT_SECONDS, told)


def assert_worker_counts(port: int) -> None:
    """What its processes did it tells as one, to whom has the token, and what they take."""
    url = f"http://127.0.0.1:{port}/metrics"
    for headers in ({}, {"Authorization": "Bearer another"}):
        with pytest.raises(urllib.error.HTTPError, match="401"):
            urllib.request.urlopen(urllib.request.Request(url, headers=headers))
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {METRICS_TOKEN}"})
    with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310
        lines = dict(line.rsplit(" ", 1) for line in answer.read().decode().splitlines())
    ended = 'kyna_sessions_ended_total{error_code="session_expired",outcome="expired"}'
    assert lines[ended] == "1.0"
    assert float(lines["kyna_beat_last_sent_timestamp_seconds"]) > time.time() - SWEPT_SECONDS
    resident = 'kyna_process_resident_memory_bytes{process="%s"}'
    sizes = [float(lines[resident % process]) for process in ("main", "1", "2")]
    assert min(sizes) > 10_000_000
    assert resident % 3 not in lines
    assert float(lines["kyna_process_cpu_seconds_total"]) > 0.5


IMPORT = """
import importlib, os, pkgutil, django
from django.core.management import get_commands, load_command_class
django.setup()
for package in [found for found in os.listdir() if os.path.exists(f"{found}/__init__.py")]:
    for module in pkgutil.walk_packages([package], f"{package}."):
        try:
            importlib.import_module(module.name)
        except ModuleNotFoundError as missing:
            print(module.name, missing.name)
for name, app in get_commands().items():
    load_command_class(app, name)
"""


def test_all_that_production_imports_is_installed(build_image: Build, tmp_path: Path) -> None:
    given = dict.fromkeys(("ALLOWED_HOSTS", "POSTGRES_PASSWORD", "REDIS_PASSWORD"), "a")
    given |= make_secrets() | {"PUBLIC_STREAM_URL": "wss://a"}
    web = services_of(build_image(), given, {}, tmp_path)["web-1"]
    variables = {"DJANGO_SETTINGS_MODULE": "kynaplatform.settings", "PYTHONPATH": "."}
    variables |= {"PROMETHEUS_MULTIPROC_DIR": ""}
    said = web.run("python", "-W", "ignore", "-c", IMPORT, **variables)
    # The pictures of `replay`, which says so.
    assert said == "realtime.plot matplotlib\n"


@pytest.mark.parametrize(
    ("written", "instead", "told"),
    [
        (
            "EXPOSE 8000 8001 8002",
            "VOLUME /data",
            r"Dockerfile:\d+: VOLUME /data\nThe test does not",
        ),
        ("COPY poses poses", "COPY pose poses", r"Dockerfile:\d+: COPY pose poses\nThere is no"),
        (
            "manage.py collectstatic",
            "manage.py collect",
            r"Dockerfile:\d+: RUN SECRET_KEY=throwaway python manage.py collect --no-input\n"
            r"(?s:.*)Unknown command: 'collect'",
        ),
    ],
)
def test_a_line_that_cannot_be_carried_out_is_told(
    build_image: Build, monkeypatch: pytest.MonkeyPatch, written: str, instead: str, told: str
) -> None:
    text = (PROJECT / "Dockerfile").read_text()
    assert written in text
    changed = [*lines_of(text.replace(written, instead))]
    monkeypatch.setattr("tests.deploy.image.lines_of", lambda _: changed)
    with pytest.raises(pytest.fail.Exception, match=told):
        build_image()
