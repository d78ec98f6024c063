"""nginx, by the files of deploy/, before two runtimes of which one stands still."""

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from clients.python.stream import StreamClient
from dev.local_stack.guard import children_of
from dev.local_stack.ports import free_port
from dev.poses.figure import perform
from movespecs.models import MoveSpec
from sessions_app.models import DetectionSession
from tests.conftest import Machine
from tests.deploy.proxy import lines_of, proxy
from tests.server import RuntimeServer, runtime_server

pytestmark = pytest.mark.django_db(transaction=True)

POSES = perform("squat", repetitions=1, fps=20)
HALF = 30
CLIENTS = 6
HURRY = {"HURRY": '{"PULSE_SECONDS": 0.3}'}
SILENT_SECONDS = 2
HURRIED = {"proxy_read_timeout 10s": f"proxy_read_timeout {SILENT_SECONDS}s"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("frozen")


@pytest.fixture(scope="module")
def runtimes(folder: Path, django_db_setup: None) -> Iterator[list[RuntimeServer]]:
    with ExitStack() as stack:
        yield [
            stack.enter_context(runtime_server(folder, HURRY, module="tests.realtime.hurried"))
            for _ in range(2)
        ]


@pytest.fixture(scope="module")
def port(folder: Path, runtimes: list[RuntimeServer]) -> Iterator[int]:
    ports = [runtime.port for runtime in runtimes]
    with proxy(folder, api_ports=[free_port()], realtime_ports=ports, instead=HURRIED) as port:
        yield port


@pytest.fixture
def through(
    port: int,
    folder: Path,
    runtimes: list[RuntimeServer],
    transactional_db: None,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[str]:
    monkeypatch.setenv("SSL_CERT_FILE", str(folder / "kyna.crt"))
    yield f"wss://localhost:{port}/api/detection/stream"
    # Or they would still be at the tables as those are emptied.
    for runtime in runtimes:
        runtime.await_no_sockets()


def attached(
    owner: Machine, movespec: MoveSpec, through: str
) -> tuple[DetectionSession, StreamClient]:
    created = owner.create_session(movespec).json()
    client = StreamClient(f"{through}/{created['session_id']}", created["runtime_token"])
    client.attach()
    return DetectionSession.objects.get(id=created["session_id"]), client


def stream(client: StreamClient, start: int, stop: int) -> None:
    for at in range(start, stop, 10):
        client.send(POSES[at : min(at + 10, stop)])
    client.drain()


def test_clients_of_a_frozen_runtime_and_new_ones_go_on_through_the_other(
    owner: Machine, movespec: MoveSpec, runtimes: list[RuntimeServer], through: str, folder: Path
) -> None:
    """It has the fewest connections then, so that nginx would send all of them to it."""
    clients = [attached(owner, movespec, through)[1] for _ in range(CLIENTS)]
    for client in clients:
        stream(client, 0, HALF)
    [pid] = children_of(runtimes[0].process.pid)
    os.kill(pid, signal.SIGSTOP)
    try:
        _, new = attached(owner, movespec, through)
        stream(new, 0, HALF)
        with ThreadPoolExecutor(CLIENTS + 1) as threads:
            for streamed in [
                threads.submit(stream, client, HALF, len(POSES)) for client in [*clients, new]
            ]:
                streamed.result(60)
            ends = [*threads.map(StreamClient.finalize, [*clients, new])]
    finally:
        os.kill(pid, signal.SIGCONT)
    assert [(done.status, done.accepted_frames_total) for done in ends] == [
        ("completed", len(POSES))
    ] * (CLIENTS + 1)
    assert sorted(client.attaches for client in clients) == [1] * 3 + [2] * 3
    rows = DetectionSession.objects.values_list("accepted_frames_total", "last_frame_seq")
    assert [*rows] == [(len(POSES), len(POSES))] * (CLIENTS + 1)
    for client in [*clients, new]:
        client.close()
    servers = {line["upstream"] for line in lines_of(folder) if line["status"] == "101"}
    assert f"127.0.0.1:{runtimes[0].port}, 127.0.0.1:{runtimes[1].port}" in servers
