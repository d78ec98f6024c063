"""SIGTERM: what was received is acknowledged, sockets are closed 1012, and the exit code is 0.

How long a drain takes is in its constants, which test_timing.py compares.
"""

import asyncio
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from database_proxy import database_proxy
from rows import await_waiting_backends, expected_events, locked_row, session_of, stored_events
from streaming import SQUAT, Client, attached, create, wire_frames

from dev.poses.figure import perform
from movespecs.models import MoveSpec
from realtime import database
from realtime.refusals import Restarting
from sessions_app.models import SessionAttach
from tests.conftest import Machine
from tests.server import RuntimeServer, runtime_server
from tests.server import test_database_url as database_url
from tests.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)

EXIT_DEADLINE_SECONDS = 30
POSES = perform("squat", repetitions=1, fps=10)
# With these nothing that is waited for ends before that.
PATIENT = {
    "HURRY": '{"DRAIN_DATABASE_SECONDS": 60.0, "CLOSING_SECONDS": 60.0, "DRAIN_SECONDS": 60}'
}
FRAMES = wire_frames(POSES)
EVENTS = expected_events(SQUAT, POSES, finished=True)


@pytest.fixture
def patient(tmp_path: Path, transactional_db: None) -> Iterator[RuntimeServer]:
    with runtime_server(tmp_path, PATIENT, module="tests.realtime.hurried") as server:
        yield server


def exits(server: RuntimeServer, meanwhile: Callable[[], None] = lambda: None) -> None:
    """Send SIGTERM; it exits with 0."""
    server.process.send_signal(signal.SIGTERM)
    meanwhile()
    assert server.process.wait(EXIT_DEADLINE_SECONDS) == 0


def await_drain(server: RuntimeServer) -> None:
    """Until it listens no more, since it has been told to stop."""

    def listens() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", server.port)) == 0

    eventually(lambda: not listens(), "it drains")


def attaches(created: dict[str, Any]) -> list[int | None]:
    rows = SessionAttach.objects.filter(session_id=created["session_id"]).order_by("attached_at")
    assert all((row.detached_at is None) == (row.close_code is None) for row in rows)
    return [row.close_code for row in rows]


def complete(created: dict[str, Any], server: RuntimeServer, done: int) -> None:
    client = attached(created | {"stream_url": f"{server.url}/{created['session_id']}"})
    assert client.told[0]["last_frame_seq"] == done
    client.send_batch(9, FRAMES[done:])
    assert client.until("frame_ack")["accepted_frames_total"] == len(FRAMES)
    client.send({"type": "finalize"})
    assert client.to_the_end() == 1000
    assert stored_events(created) == EVENTS


def test_what_was_received_is_acknowledged_before(
    owner: Machine, squat: MoveSpec, patient: RuntimeServer, tmp_path: Path
) -> None:
    created = create(owner, squat, patient.url)
    client = attached(created)
    with locked_row(created) as release:
        client.send_batch(1, FRAMES[:20])
        await_waiting_backends(1)
        client.send_batch(2, FRAMES[20:25])

        def let_go() -> None:
            await_drain(patient)
            release()
            assert client.until("frame_ack")["accepted_frames_total"] == 20
            assert client.until("frame_ack")["accepted_frames_total"] == 25
            assert client.to_the_end() == 1012

        exits(patient, let_go)
    assert attaches(created) == [1012]
    with runtime_server(tmp_path) as other:
        complete(created, other, 25)
    assert attaches(created) == [1012, 1000]


def test_an_attach_midway_is_closed_with_the_others(
    owner: Machine, squat: MoveSpec, patient: RuntimeServer, tmp_path: Path
) -> None:
    created = create(owner, squat, patient.url)
    with locked_row(created) as release:
        client = Client(created)
        await_waiting_backends(1)

        def let_go() -> None:
            await_drain(patient)
            release()
            assert client.to_the_end() == 1012

        exits(patient, let_go)
    assert attaches(created) == [1012]
    with runtime_server(tmp_path) as other:
        complete(created, other, 0)


@pytest.mark.long
def test_it_exits_while_the_database_is_away(
    owner: Machine, squat: MoveSpec, tmp_path: Path
) -> None:
    with (
        database_proxy(database_url()) as proxy,
        runtime_server(tmp_path, {"DATABASE_URL": proxy.url}) as server,
    ):
        streams, waits, comes = (create(owner, squat, server.url) for _ in range(3))
        clients = [attached(streams), attached(waits)]
        clients[0].send_batch(1, FRAMES[:10])
        clients[0].until("frame_ack")
        proxy.hang()
        clients[0].send_batch(2, FRAMES[10:20])
        clients.append(Client(comes))

        def read() -> None:
            assert [client.to_the_end() for client in clients] == [1012] * 3

        exits(server, read)
        assert [message["type"] for message in clients[0].told].count("frame_ack") == 1
        proxy.reach()
    with runtime_server(tmp_path) as other:
        complete(streams, other, session_of(streams).last_frame_seq)


def test_a_wait_for_the_database_that_runs_out_just_then_does_not_stop_a_drain(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(database, "DATABASE_DEADLINE_SECONDS", 0.0)
    deadline = database.DatabaseDeadline()

    async def wait() -> None:
        async with deadline():
            await asyncio.sleep(60)

    async def drain() -> None:
        waiting = asyncio.create_task(wait())
        for _ in range(2):  # it waits; its time is over, and it does not know yet
            await asyncio.sleep(0)
        deadline.drain(60)
        with pytest.raises(Restarting):
            await waiting

    asyncio.run(drain())
