"""What production runs, on this machine: each process can be ended, and is started again."""

import os
import shutil
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from dev.local_stack import processes
from dev.local_stack.environment import make_secrets
from dev.local_stack.guard import children_of
from dev.local_stack.ports import free_port, listens
from dev.local_stack.postgres import EmbeddedPostgres
from tests.deploy.composition import (
    PASSWORDS,
    Service,
    is_ready,
    ports_of_servers,
    redis_command,
    services_here,
    upstreams_here,
)
from tests.deploy.image import Image
from tests.deploy.proxy import find_nginx, start_nginx, write_site
from tests.server import GENEROUS_LIMITS

READY_SECONDS = 120.0
END_SECONDS = 40.0
POLL_SECONDS = 0.02
TOLD_WHEN_READY = {"worker": " ready.", "webhooks": " ready.", "beat": "beat: Starting"}
# Production sends to public addresses alone. All else of the sender is as it is there.
SENDS_TO_THIS_MACHINE = {"ENVIRONMENT": "development"}
# Sessions that nobody attaches to expire under the eyes of the run, if the worker works.
LIFETIMES = {"SESSION_ATTACH_SECONDS": "30", "ACCESS_TOKEN_SECONDS": "86400"}


class StageFailedError(Exception):
    """It does not come to where it should."""


@dataclass
class Member:
    """One process, and whether it serves."""

    start: Callable[[], "subprocess.Popen[bytes]"]
    is_ready: Callable[[], bool]
    process: "subprocess.Popen[bytes] | None" = None


def missing_programs() -> list[str]:
    found = {
        "gcc": shutil.which("gcc"),
        "nginx": find_nginx(),
        "redis-server": shutil.which("redis-server"),
    }
    return [name for name, program in found.items() if program is None]


class Stage:
    """PostgreSQL, Redis, nginx and the services of compose.yaml, with all they write in `folder`.

    `died` names every process that ended by itself, which is started again as compose would. The
    code is that of `image`, or of `before` until it is upgraded.
    """

    def __init__(self, image: Image, folder: Path, before: Image | None = None) -> None:
        self.folder = folder
        self._image = image
        self._secrets = make_secrets()
        self.died: list[str] = []
        self.starts = Counter[str]()
        self.proxy_port, self.redis_port = free_port(), free_port()
        self.ports = ports_of_servers()
        self.database = EmbeddedPostgres(folder / "database", tcp_port=free_port())
        self.services = self._services(before or image)
        self._migrate = self.services.pop("migrate")
        self.members = {
            "redis": Member(self._start_redis, lambda: listens(self.redis_port)),
            "nginx": Member(lambda: start_nginx(folder), lambda: listens(self.proxy_port)),
        }
        for name, service in self.services.items():
            self.members[name] = Member(service.start, self._readiness_of(service))

    @property
    def url(self) -> str:
        return f"https://localhost:{self.proxy_port}"

    @property
    def certificate(self) -> Path:
        return self.folder / "kyna.crt"

    def start(self) -> None:
        self.database.start()
        write_site(self.folder, self.proxy_port, upstreams_here(self.ports))
        self.begin("redis", "nginx")
        self._run_migrate()
        self.begin(*self.services)

    def stop(self) -> None:
        running = [one.process for one in self.members.values() if one.process is not None]
        for process in running:
            process.send_signal(signal.SIGTERM)
        for process in running:
            with suppress(subprocess.TimeoutExpired):
                process.wait(END_SECONDS)
            processes.stop(process, signals=[])
        self.database.stop()

    def upgrade(self) -> None:
        """As docs/upgrades.md has it: migrate, then one process after the other."""
        self.services = self._services(self._image)
        self._migrate = self.services.pop("migrate")
        self._run_migrate()
        for name, service in self.services.items():
            if name in self.members:
                self.members[name].start = service.start
                self.restart(name)
            else:
                self.members[name] = Member(service.start, self._readiness_of(service))
                self.begin(name)

    def _run_migrate(self) -> None:
        migrating = self._migrate.start()
        try:
            if migrating.wait(READY_SECONDS) != 0:
                raise StageFailedError(f"migrate failed: {self._migrate.log.read_text()}")
        finally:
            processes.stop(migrating, signals=[])

    def restart(self, name: str) -> None:
        """As an upgrade does it: told to stop, started again, and awaited."""
        process = self._process(name)
        process.send_signal(signal.SIGTERM)
        self.await_end(name)
        if process.returncode != 0:
            raise StageFailedError(f"{name} was told to stop, and ended with {process.returncode}")
        self.begin(name)

    def kill(self, name: str, *, is_awaited: bool = True) -> None:
        """Kill it, and start it again."""
        os.kill(self.pid_of(name), signal.SIGKILL)
        self.await_end(name)
        if is_awaited:
            self.begin(name)
        else:
            self._start(name)

    def begin(self, *names: str) -> None:
        """Start them at once, and wait until they serve."""
        for name in names:
            self._start(name)
        for name in names:
            self.wait_until(self.members[name].is_ready, READY_SECONDS, f"{name} serves")

    def pid_of(self, name: str) -> int:
        """Its first process: what we started is the guard of that."""
        [pid] = children_of(self._process(name).pid)
        return pid

    def await_end(self, name: str) -> None:
        try:
            self._process(name).wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            raise StageFailedError(f"{name} does not end") from None
        self.members[name].process = None

    def wait_until(self, is_so: Callable[[], bool], seconds: float, what: str) -> None:
        """StageFailedError when it is not so in time."""
        deadline = time.monotonic() + seconds
        while not is_so():
            self._start_again()
            if time.monotonic() > deadline:
                raise StageFailedError(f"After {seconds:g} s it was still not so: {what}")
            time.sleep(POLL_SECONDS)

    def pass_time(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            self._start_again()
            time.sleep(min(left, POLL_SECONDS))

    def _start_again(self) -> None:
        for name, member in self.members.items():
            if member.process is not None and member.process.poll() is not None:
                self.died.append(name)
                self._start(name)

    def _start(self, name: str) -> None:
        self.starts[name] += 1
        self.members[name].process = self.members[name].start()

    def _process(self, name: str) -> "subprocess.Popen[bytes]":
        process = self.members[name].process
        assert process is not None, f"{name} is away"
        return process

    def _readiness_of(self, service: Service) -> Callable[[], bool]:
        port = self.ports.get(service.name)
        if port is not None:
            return lambda: is_ready(port)
        told = TOLD_WHEN_READY[service.name]
        # A log says it again at each start.
        return lambda: service.log.read_text().count(told) >= self.starts[service.name]

    def _services(self, image: Image) -> dict[str, Service]:
        redis = f"redis://:{PASSWORDS['REDIS_PASSWORD']}@127.0.0.1:{self.redis_port}"
        own = GENEROUS_LIMITS | LIFETIMES
        own |= {"DATABASE_URL": self.database.url}
        own |= {"WORKER_METRICS_PORT": "0"}
        own |= {"REDIS_URL": f"{redis}/0", "CELERY_BROKER_URL": f"{redis}/1"}
        services = services_here(
            image,
            own,
            self.folder,
            proxy_port=self.proxy_port,
            ports=self.ports,
            secrets=self._secrets,
        )
        if "webhooks" in services:
            services["webhooks"].variables |= SENDS_TO_THIS_MACHINE
        return services

    def _start_redis(self) -> "subprocess.Popen[bytes]":
        here = ["--bind", "127.0.0.1", "--port", str(self.redis_port), "--dir", str(self.folder)]
        with (self.folder / "redis.log").open("ab") as log:
            return processes.start(
                [*redis_command(), *here, "--save", ""], env={"PATH": os.defpath}, stdout=log
            )


@contextmanager
def standing(image: Image, folder: Path, before: Image | None) -> Iterator[Stage]:
    """While inside, all of it runs."""
    stage = Stage(image, folder, before)
    try:
        stage.start()
        yield stage
    finally:
        stage.stop()
