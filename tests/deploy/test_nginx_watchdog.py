"""Two runtimes as compose starts them, behind nginx by the files of deploy/: one stands still and
is replaced, and both are restarted one after the other."""

import itertools
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import yaml

from clients.python.stream import StreamClient
from dev.local_stack import processes
from dev.local_stack.environment import PROJECT
from dev.local_stack.guard import children_of
from dev.local_stack.ports import free_port
from dev.poses.figure import perform
from movespecs.models import MoveSpec
from sessions_app.models import DetectionSession
from tests.conftest import Machine
from tests.deploy.composition import is_ready
from tests.deploy.proxy import lines_of, proxy
from tests.server import GENEROUS_LIMITS
from tests.server import test_database_url as database_url
from tests.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)

POSES = perform("squat", repetitions=1, fps=20)
HALF = 30
CLIENTS = 4
# More than come while both are restarted.
COMING = 60
COMMAND = yaml.safe_load((PROJECT / "compose.yaml").read_text())["services"]["realtime-1"][
    "command"
]
Process = subprocess.Popen[bytes]


class Container:
    """A runtime by the command of compose.yaml, started anew when told to."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.log = folder / f"runtime-{self.port}.log"
        self._folder = folder
        self._running: Process | None = None

    def start(self) -> None:
        with self.log.open("ab") as log:
            self._running = processes.start(
                [sys.executable if word == "python" else word for word in COMMAND],
                cwd=PROJECT,
                env={
                    **os.environ,
                    **GENEROUS_LIMITS,
                    "DATABASE_URL": database_url(),
                    "DATA_DIR": str(self._folder),
                    "REALTIME_PORT": str(self.port),
                    "LOG_FORMAT": "json",
                },
                stdout=log,
            )
        eventually(lambda: is_ready(self.port), self.log.read_text, 60)

    @property
    def process(self) -> Process:
        assert self._running is not None
        return self._running

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)

    def end(self) -> None:
        if self._running is not None:
            processes.stop(self._running, signals=[(signal.SIGTERM, 60)])

    @property
    def runtime(self) -> int:
        """The process that serves."""
        [watchdog] = children_of(self.process.pid)
        [pid] = children_of(watchdog)
        return pid


@pytest.fixture
def containers(tmp_path: Path, owner: Machine) -> Iterator[list[Container]]:
    containers = [Container(tmp_path) for _ in range(2)]
    try:
        for one in containers:
            one.start()
        yield containers
    finally:
        for one in containers:
            one.end()


@pytest.fixture
def through(
    containers: list[Container], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    ports = [one.port for one in containers]
    with proxy(tmp_path, api_ports=[free_port()], realtime_ports=ports) as port:
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "kyna.crt"))
        yield f"wss://localhost:{port}/api/detection/stream"


def clients(owner: Machine, movespec: MoveSpec, through: str, count: int) -> list[StreamClient]:
    """Clients that have not attached, each with a session of its own."""
    created = [json.loads(owner.create_session(movespec).content) for _ in range(count)]
    return [StreamClient(f"{through}/{one['session_id']}", one["runtime_token"]) for one in created]


def stream(client: StreamClient, start: int, stop: int) -> None:
    for at in range(start, stop, 10):
        client.send(POSES[at : min(at + 10, stop)])
    client.drain()


def complete(client: StreamClient, start: int) -> None:
    stream(client, start, len(POSES))
    done = client.finalize()
    assert (done.status, done.accepted_frames_total) == ("completed", len(POSES))
    client.close()


@pytest.mark.long
def test_one_that_stands_still_is_replaced_and_a_rolling_restart_refuses_nobody(
    owner: Machine,
    movespec: MoveSpec,
    containers: list[Container],
    through: str,
    tmp_path: Path,
) -> None:
    first, second = containers
    there = clients(owner, movespec, through, CLIENTS)
    for client in there:
        client.attach()
        stream(client, 0, HALF)
    new = clients(owner, movespec, through, CLIENTS)
    os.kill(first.runtime, signal.SIGSTOP)
    with ThreadPoolExecutor(2 * CLIENTS) as threads:
        # nginx sends these to the one that stands still: it has the fewest connections.
        begun = [threads.submit(client.attach) for client in new]
        went_on = [threads.submit(complete, client, HALF) for client in there]
        assert first.process.wait(60) == 128 + signal.SIGKILL
        for done in [*begun, *went_on]:
            done.result(60)
    [told] = [
        line
        for line in map(json.loads, first.log.read_text().splitlines())
        if "said nothing" in line["message"]
    ]
    assert (told["process"], told["level"], told["seconds"]) == ("runtime", "ERROR", 3.0)
    assert sorted(client.attaches for client in there) == [1] * 2 + [2] * 2
    # It was killed before nginx itself took it for frozen, which would be 504.
    moved = (f"127.0.0.1:{first.port}, 127.0.0.1:{second.port}", "502, 101")
    # The lines of the new clients come when they have left.
    for client in new:
        complete(client, 0)
    eventually(lambda: len(lines_of(tmp_path)) >= 2 * CLIENTS + 2, "every socket has its line")
    tried = [(one["upstream"], one["upstream_status"]) for one in lines_of(tmp_path)]
    assert moved in tried
    assert {status for _, status in tried} <= {"101", "502, 101"}

    first.start()
    coming = clients(owner, movespec, through, COMING)
    next_one, is_over = itertools.count(), threading.Event()

    def attach_one_after_the_other() -> int:
        attached = 0
        while not is_over.is_set() and (number := next(next_one)) < COMING:
            coming[number].attach()
            coming[number].close()
            attached += 1
            is_over.wait(0.1)
        return attached

    known = len(lines_of(tmp_path))
    with ThreadPoolExecutor(1) as threads:
        attaching = threads.submit(attach_one_after_the_other)
        for container in containers:
            assert container.stop() == 0
            container.start()
        is_over.set()
        attached = attaching.result(60)
    assert attached > 2
    eventually(lambda: len(lines_of(tmp_path)) >= known + attached, "every socket has its line")
    restarted = lines_of(tmp_path)[known:]
    assert {line["status"] for line in restarted} == {"101"}
    assert any(", " in line["upstream"] for line in restarted)
    rows = DetectionSession.objects.filter(status="completed").values_list("accepted_frames_total")
    assert [*rows] == [(len(POSES),)] * 2 * CLIENTS
