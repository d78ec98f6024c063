"""What the tests of one module share: an owner, its MoveSpec, and a runtime, on one database."""

import contextlib
import gc
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import psutil
from prometheus_client.parser import text_string_to_metric_families
from streaming import SQUAT, Client, create

from movespecs.models import MoveSpec
from projects.models import Organization
from projects.signing import key_ring
from sessions_app.models import DetectionSession
from tests.conftest import Machine, make_machine, make_released, signing_key_make
from tests.server import RuntimeServer, runtime_server
from tests.truncation import truncate_tables
from tests.waiting import DEADLINE_SECONDS, comes_true


@dataclass(frozen=True)
class Stage:
    owner: Machine
    squat: MoveSpec
    runtime: RuntimeServer

    def create(self) -> dict[str, Any]:
        return create(self.owner, self.squat, self.runtime.url)

    def attach(self, **options: Any) -> tuple[dict[str, Any], Client]:
        """A new session and a client that has been told its first message."""
        created = self.create()
        client = Client(created, **options)
        client.expect("session_update")
        return created, client

    def session(self, created: dict[str, Any]) -> DetectionSession:
        return DetectionSession.objects.get(id=created["session_id"])

    def client_ports(self) -> list[int]:
        """The other ends of the connections that the runtime holds."""
        return [
            connection.raddr.port
            for process in processes_of(self.runtime)
            for connection in process.net_connections("tcp")
            if connection.raddr and connection.laddr.port == self.runtime.port
        ]

    def metrics(self, token: str = "") -> dict[str, float]:
        """The stream's own, as `name{label}` → value."""
        request = Request(f"{self.runtime.base_url}/metrics")  # noqa: S310
        request.add_header("Authorization", f"Bearer {token}")
        with urlopen(request, timeout=DEADLINE_SECONDS) as response:  # noqa: S310
            assert response.headers["Content-Type"].startswith("text/plain; version=")
            text = response.read().decode()
        return {
            sample.name + "".join(f"{{{value}}}" for value in sample.labels.values()): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if "stream" in sample.name and not sample.name.endswith(("_created", "_bucket"))
        }

    def wait_until_alone(self) -> None:
        """Nobody is connected; what tests have left is closed."""
        gc.collect()
        self.wait_for(lambda: not self.client_ports())

    def wait_for_log(self, text: str) -> None:
        self.wait_for(lambda: text in self.runtime.log.read_text())

    def wait_for(self, is_so: Callable[[], bool]) -> None:
        assert comes_true(is_so)

    def rss_mb(self) -> float:
        return rss_mb(self.runtime)

    def faults(self) -> list[str]:
        """What the runtime has logged that is no one's fault but ours."""
        lines = self.runtime.log.read_text(errors="replace").splitlines()
        first = next((n for n, line in enumerate(lines) if " ERROR " in line), len(lines))
        return lines[first : first + 40]


def rss_mb(runtime: RuntimeServer) -> float:
    """Resident memory of a runtime and of nothing else."""
    return max(process.memory_info().rss for process in processes_of(runtime)) / 1e6


def processes_of(runtime: RuntimeServer) -> list[psutil.Process]:
    """The runtime itself, below its guard."""
    children: list[psutil.Process] = psutil.Process(runtime.process.pid).children(recursive=True)
    return children


def make_owner(name: str = "owner") -> tuple[Machine, MoveSpec]:
    machine = make_machine(Organization.objects.create(name=uuid.uuid4().hex), name)
    squat, _ = make_released(machine.project, SQUAT)
    return machine, squat


@contextlib.contextmanager
def staged_database(blocker: Any) -> Iterator[None]:
    """The tests' database for a whole module: what is in it is committed, and removed after."""
    with blocker.unblock():
        try:
            signing_key_make()
            yield
        finally:
            truncate_tables()
            key_ring().forget()


@contextlib.contextmanager
def stage_on(folder: Path, module: str = "realtime", **environment: str) -> Iterator[Stage]:
    owner, squat = make_owner()
    with runtime_on(folder, module, **environment) as runtime:
        yield Stage(owner, squat, runtime)


@contextlib.contextmanager
def runtime_on(
    folder: Path, module: str = "realtime", **environment: str
) -> Iterator[RuntimeServer]:
    with runtime_server(folder, environment, module=module) as runtime:
        yield runtime
        gc.collect()  # closes the sockets that tests have left: none is to be waited for
