"""What production runs, as it is installed there: the Dockerfile's files and packages alone, an
unprivileged user, and the commands, variables and health checks of the Dockerfile and compose.yaml
"""

import contextlib
import http.client
import json
import os
import re
import shutil
import signal
import subprocess
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from dev.local_stack import processes
from dev.local_stack.environment import make_secrets
from dev.local_stack.ports import free_port, listens
from dev.poses.figure import perform
from dev.poses.recordings import Recording, save
from guides.navigation import GUIDES
from tests.deploy.composition import (
    Service,
    is_ready,
    ports_of_servers,
    services_here,
    services_of,
    upstreams_here,
)
from tests.deploy.installation import Build, NoPythonError, installation
from tests.deploy.operating import bootstrap, operate
from tests.deploy.own_database import own_database
from tests.deploy.proxy import proxy, trusting
from tests.guides.reading import Answer, Walk
from tests.plugin import installed, skip_without
from tests.waiting import DEADLINE_SECONDS, eventually

RABBITMQ_PORT = 5672
READY_SECONDS = 120.0
METRICS_TOKEN = "a-token-of-the-metrics"
REPETITIONS = 3


@pytest.fixture(scope="module")
def build_image() -> Iterator[Build]:
    installed("gcc")
    try:
        with installation() as build:
            yield build
    except NoPythonError as fault:
        skip_without(str(fault))


@pytest.fixture(params=["redis", pytest.param("rabbitmq", marks=pytest.mark.long)])
def broker_url(request: pytest.FixtureRequest, redis_url: str) -> str:
    if request.param == "redis":
        return urlsplit(redis_url)._replace(path="/9").geturl()
    if not listens(RABBITMQ_PORT):
        skip_without(f"no RabbitMQ answers on port {RABBITMQ_PORT}")
    return f"amqp://guest:guest@127.0.0.1:{RABBITMQ_PORT}//"


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

    eventually(is_so, told, READY_SECONDS)


@pytest.mark.long
def test_the_production_set_serves_sessions(
    build_image: Build,
    redis_url: str,
    broker_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    image = build_image()
    ports = ports_of_servers()
    upstreams = upstreams_here(ports)
    static = f"{image.folder}/app/served/"
    with (
        own_database() as database_url,
        proxy(
            tmp_path,
            api_ports=upstreams["kyna_api"],
            realtime_ports=upstreams["kyna_realtime"],
            pages_ports=upstreams["kyna_pages"],
            monitor_ports=upstreams["kyna_monitors"],
            instead={"/opt/kynaplatform/staticfiles/": static},
        ) as port,
    ):
        own = {
            "DATABASE_URL": database_url,
            "REDIS_URL": urlsplit(redis_url)._replace(path="/8").geturl(),
            "CELERY_BROKER_URL": broker_url,
            "METRICS_TOKEN": METRICS_TOKEN,
            "TRY_PAGE": "true",
        }
        of_all = {**ports, "worker": free_port(), "webhooks": free_port()}
        services = services_here(image, own, tmp_path, proxy_port=port, ports=of_all)
        migrate = services.pop("migrate")
        assert migrate.start().wait(READY_SECONDS) == 0, migrate.log.read_text()
        assert [*services] == [*ports, "worker", "webhooks", "beat"]
        with running(services) as started:
            for name, own_port in ports.items():
                wait_until_ready(own_port, started, lambda: logs_of(services))
                assert services[name].is_healthy()
            for name in ("worker", "webhooks"):
                eventually(services[name].is_healthy, lambda: logs_of(services), READY_SECONDS)
            checked = {name for name, service in services.items() if service.healthcheck}
            assert checked == {*ports, "worker", "webhooks"}
            shared = services["api-1"].tmp
            shutil.copy(tmp_path / "kyna.crt", shared)
            monkeypatch.setenv("SSL_CERT_FILE", str(shared / "kyna.crt"))
            web = services["api-1"]
            if os.geteuid() == 0:
                assert web.run("python", "-c", "import os; print(os.getuid())") == "10001\n"
            credentials = bootstrap(migrate)
            (shared / "credentials.json").write_text(credentials)
            url = f"https://localhost:{port}"
            stream_to_the_end(web, shared, url)
            assert_guides_are_read(tmp_path, port)
            if broker_url.startswith("redis"):
                operate(migrate, json.loads(credentials), url, database_url)
            eventually(
                lambda: has_heard_beat(of_all["worker"]), lambda: logs_of(services), READY_SECONDS
            )


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


def assert_guides_are_read(folder: Path, port: int) -> None:
    """`/` and every guide through nginx, with all that they refer to, of the image's files."""

    def get(path: str) -> Answer:
        connection = http.client.HTTPSConnection("localhost", port, context=trusting(folder))
        with contextlib.closing(connection):
            connection.request("GET", path)
            answer = connection.getresponse()
            body = answer.read()
        if (to := answer.headers["Location"]) is not None:
            return get(to)
        return Answer(answer.status, answer.headers["Content-Type"], body)

    walk = Walk(get).go()
    assert [*walk.faults()] == []
    assert b"<strong>Healthy.</strong>" in walk.answers["/"].body
    assert set(walk.pages) == {"/", "/docs/", *(guide.address for guide in GUIDES.values())}
    assert walk.answers["/docs/staff-guide/index.png"].content_type == "image/png"
    assert get("/docs/no-such").status == 404
    # The script of /try and its camera are built, with a hash in the address of each file.
    page = get("/try").body.decode()
    [script] = re.findall(r'<script type="module" src="(/static/tryout/try\.\w{12}\.js)">', page)
    assert get(script).status == 200
    [data] = re.findall('id="try-data" type="application/json">(.*?)</script>', page)
    landmarker = json.loads(data)["landmarker"]
    wasm = landmarker["pose_solution_simd_wasm_bin.wasm"]["url"]
    assert get(wasm).content_type == "application/wasm"
    for name, file in landmarker.items():
        assert re.search(r"\.\w{12}\.\w+$", file["url"]), name
        assert get(file["url"]).status == 200


def has_heard_beat(port: int) -> bool:
    """Whether a task of beat came to the worker through the broker."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/metrics", headers={"Authorization": f"Bearer {METRICS_TOKEN}"}
    )
    with urllib.request.urlopen(request, timeout=DEADLINE_SECONDS) as answer:  # noqa: S310
        lines = answer.read().decode().splitlines()
    return any(
        line.startswith("kyna_beat_last_sent_timestamp_seconds ") and float(line.split()[1]) > 0
        for line in lines
    )


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


@pytest.mark.long
def test_all_that_production_imports_is_installed(build_image: Build, tmp_path: Path) -> None:
    given = dict.fromkeys(("ALLOWED_HOSTS", "POSTGRES_PASSWORD", "REDIS_PASSWORD"), "a")
    given |= make_secrets() | {"PUBLIC_STREAM_URL": "wss://a"}
    web = services_of(build_image(), given, {}, tmp_path)["api-1"]
    variables = {"DJANGO_SETTINGS_MODULE": "kynaplatform.settings", "PYTHONPATH": "."}
    variables |= {"PROMETHEUS_MULTIPROC_DIR": ""}
    said = web.run("python", "-W", "ignore", "-c", IMPORT, **variables)
    # The pictures of `replay`, which says so.
    assert said == "dev.replay.plot matplotlib\n"
