"""A runtime that stands still, as one on a stopped machine does, and goes on later."""

import contextlib
import json
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from cutting_proxy import CuttingProxy, cutting_proxy
from rows import session_of
from streaming import batches, create, wire_frames
from test_streaming_docs import client_in_python, hurried

from clients.python.stream import StreamClient
from detection import PoseFrame
from dev.local_stack.guard import children_of
from dev.poses.figure import perform
from movespecs.models import MoveSpec
from tests.conftest import Machine
from tests.node import IMPORTS, built_clients, node
from tests.server import RuntimeServer, runtime_server
from tests.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)

POSES = perform("squat", repetitions=2, fps=20)
HALF = len(POSES) // 20 * 10
FRAMES = wire_frames(POSES)
Go = Callable[[], None]

JAVASCRIPT = f"""
{IMPORTS}
const [session, poses, half] = JSON.parse(readFileSync(process.argv[2]));
const stream = createStream(session, {{
  WebSocket,
  silentMs: 3000,
  onRejected: (reason) => console.error(reason),
}});
const add = (landmarks, index) => stream.add({{timestampMs: index * 50, landmarks}});
poses.slice(0, half).forEach(add);
process.stdin.once("data", async () => {{
  poses.slice(half).forEach((pose, index) => add(pose, half + index));
  const {{status, acceptedFrames}} = await stream.finalize();
  console.log(JSON.stringify({{status, accepted_frames_total: acceptedFrames}}));
  process.exit(); // its close is never answered
}});
"""


@pytest.fixture(scope="module")
def module_other(
    tmp_path_factory: pytest.TempPathFactory, django_db_setup: None
) -> Iterator[RuntimeServer]:
    with runtime_server(tmp_path_factory.mktemp("other")) as server:
        yield server


@pytest.fixture
def other(module_other: RuntimeServer, transactional_db: None) -> Iterator[RuntimeServer]:
    yield module_other
    module_other.await_no_sockets()


@contextlib.contextmanager
def frozen(server: RuntimeServer) -> Iterator[None]:
    [pid] = children_of(server.process.pid)
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def stream_client(created: dict[str, Any], go: Go, _: Path) -> dict[str, Any]:
    with StreamClient(created["stream_url"], created["runtime_token"], silent_seconds=3) as stream:
        for number, poses in enumerate(in_tens(POSES)):
            if number * 10 == HALF:
                go()
            stream.send(poses)
        done = stream.finalize()
    return {"accepted_frames_total": done.accepted_frames_total, "status": done.status}


def in_tens(poses: list[PoseFrame]) -> Iterator[list[PoseFrame]]:
    for start in range(0, len(poses), 10):
        yield poses[start : start + 10]


def documented_python(created: dict[str, Any], go: Go, _: Path) -> dict[str, Any]:
    def given() -> Iterator[list[dict[str, Any]]]:
        for number, batch in enumerate(batches(FRAMES, 10)):
            if number * 10 == HALF:
                go()
            yield batch

    scope: dict[str, Any] = {}
    exec(hurried(client_in_python()), scope)  # noqa: S102 - it is our own page
    done: dict[str, Any] = scope["follow"](created, given(), lambda event: None)
    return done


def in_javascript(created: dict[str, Any], go: Go, folder: Path) -> dict[str, Any]:
    program, given = folder / "page.mjs", folder / "given.json"
    program.write_text(JAVASCRIPT)
    poses = [[point._asdict() for point in pose.landmarks] for pose in POSES]
    given.write_text(json.dumps([created, poses, HALF]))
    with subprocess.Popen(
        [node(), program, given], stdin=-1, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        go()
        told, errors = process.communicate(b"go\n", timeout=60)
    assert errors == b""
    done: dict[str, Any] = json.loads(told)
    return done


CLIENTS = (stream_client, documented_python, in_javascript)


@pytest.fixture
def way(runtime: RuntimeServer) -> Iterator[CuttingProxy]:
    with cutting_proxy(runtime.port) as proxy:
        yield proxy


@pytest.mark.long
def test_its_clients_go_on_through_another_and_every_frame_counts_once(
    owner: Machine,
    squat: MoveSpec,
    runtime: RuntimeServer,
    other: RuntimeServer,
    way: CuttingProxy,
    tmp_path: Path,
) -> None:
    built_clients()
    through = f"ws://127.0.0.1:{way.port}/api/detection/stream"
    sessions = [create(owner, squat, through) for _ in CLIENTS]
    is_frozen = threading.Event()

    def go() -> None:
        assert is_frozen.wait(60)

    with ThreadPoolExecutor(len(CLIENTS)) as threads:
        answers = [
            threads.submit(client, created, go, tmp_path)
            for client, created in zip(CLIENTS, sessions, strict=True)
        ]
        eventually(
            lambda: {session_of(one).accepted_frames_total for one in sessions} == {HALF},
            "half is there",
        )
        held = {session_of(created).attachment_id for created in sessions}
        with frozen(runtime):
            way.target_port = other.port
            is_frozen.set()
            told = [answer.result(60) for answer in answers]
            rows = [session_of(created) for created in sessions]
    assert way.connections == 2 * len(CLIENTS)
    assert [(done["status"], done["accepted_frames_total"]) for done in told] == [
        ("completed", len(POSES))
    ] * len(CLIENTS)
    assert [(row.accepted_frames_total, row.last_frame_seq) for row in rows] == [
        (len(POSES), len(POSES))
    ] * len(CLIENTS)
    assert not held & {row.attachment_id for row in rows}
