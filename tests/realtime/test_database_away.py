"""A database out of reach: it waits first, then 1012, and who comes back has lost nothing."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from database_proxy import DatabaseProxy, database_proxy
from rows import expected_events, stored_events
from streaming import SQUAT, Client, attached, create, wire_frames

from dev.poses.figure import perform
from movespecs.models import MoveSpec
from tests.concurrency.racing import locked
from tests.conftest import Machine
from tests.long_runs import at_length
from tests.server import RuntimeServer, runtime_server
from tests.server import test_database_url as database_url
from tests.waiting import DEADLINE_SECONDS, eventually

pytestmark = pytest.mark.django_db(transaction=True)

TOO_LONG_SECONDS = 1.5
HURRY = {
    "RENEW_SECONDS": 0.3,
    # No lease of a session that has streamed is renewed but by its checkpoints.
    "FRESH_LEASE_SECONDS": 3600,
    "PROBE_SECONDS": 0.5,
    "ASK_SECONDS": 0.3,
    "STALL_SECONDS": 0.5,
}
POSES = perform("squat", repetitions=1, fps=10)
FRAMES = wire_frames(POSES)
EVENTS = expected_events(SQUAT, POSES, finished=True)


@pytest.fixture
def proxy(transactional_db: None) -> Iterator[DatabaseProxy]:
    with database_proxy(database_url()) as proxy:
        yield proxy


@pytest.fixture
def waits_seconds() -> float:
    """How long the runtime waits for its database: for longer than a test does."""
    return DEADLINE_SECONDS


@pytest.fixture
def runtime(proxy: DatabaseProxy, tmp_path: Path, waits_seconds: float) -> Iterator[RuntimeServer]:
    hurry = {"DATABASE_DEADLINE_SECONDS": waits_seconds, **HURRY}
    environment = {"DATABASE_URL": proxy.url, "HURRY": json.dumps(hurry)}
    with runtime_server(tmp_path, environment, module="tests.realtime.hurried") as server:
        yield server
        proxy.reach()


@pytest.fixture
def created(owner: Machine, squat: MoveSpec, runtime: RuntimeServer) -> dict[str, Any]:
    return create(owner, squat, runtime.url)


def complete(client: Client, first: int) -> None:
    client.send_batch(5, FRAMES[first:])
    assert client.until("frame_ack")["accepted_frames_total"] == len(FRAMES)
    client.send({"type": "finalize"})
    assert client.until("session_done")["status"] == "completed"
    assert client.to_the_end() == 1000


def test_a_batch_waits_for_a_database_that_comes_back_in_time(
    proxy: DatabaseProxy, created: dict[str, Any]
) -> None:
    client = attached(created)
    client.send_batch(1, FRAMES[:10])
    client.until("frame_ack")
    proxy.refuse()
    client.send_batch(2, FRAMES[10:20])
    client.send({"type": "ping"})
    time.sleep(0.75)
    proxy.reach()
    assert client.until("frame_ack")["accepted_frames_total"] == 20
    client.expect("pong")
    complete(client, 20)
    assert stored_events(created) == EVENTS


def states_of(runtime: RuntimeServer) -> Any:
    """What `/readyz` tells of a runtime that is not ready; empty once it is."""
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{runtime.port}/readyz", timeout=30).close()
    except urllib.error.HTTPError as error:
        return json.load(error)["error"]["details"]
    return {}


def test_a_runtime_that_stores_nothing_for_a_while_is_not_ready(
    created: dict[str, Any], runtime: RuntimeServer
) -> None:
    client = attached(created)
    client.send_batch(1, FRAMES[:10])
    client.until("frame_ack")
    with locked("detection_session"):
        client.send_batch(2, FRAMES[10:20])
        eventually(lambda: states_of(runtime).get("checkpointer") == "down", "it says so")
        assert states_of(runtime) == {
            "database": "ok",
            "migrations": "ok",
            "checkpointer": "down",
            "session_threads": "ok",
            "engine": "python",
        }
    eventually(lambda: states_of(runtime) == {}, "it is ready again")
    client.drop()


def outages_told(runtime: RuntimeServer) -> tuple[int, int]:
    """How often the log says that the database is away, and that it is back."""
    log = runtime.log.read_text()
    return log.count("the database is out of reach"), log.count("the database is back")


@pytest.mark.parametrize("waits_seconds", [TOO_LONG_SECONDS])
@at_length("how", "hang", "refuse")
def test_sockets_are_closed_1012_once_it_was_away_for_too_long(
    owner: Machine, squat: MoveSpec, proxy: DatabaseProxy, runtime: RuntimeServer, how: str
) -> None:
    streams, rests, finalizes, comes = (create(owner, squat, runtime.url) for _ in range(4))
    clients = [attached(created) for created in (streams, rests, finalizes)]
    for client in clients[:2]:
        client.send_batch(1, FRAMES[:10])
        client.until("frame_ack")
    getattr(proxy, how)()
    away_at = time.monotonic()
    clients[0].send_batch(2, FRAMES[10:20])
    clients[2].send({"type": "finalize"})
    clients.append(Client(comes))
    for client in clients:
        assert client.to_the_end() == 1012
    assert time.monotonic() - away_at > TOO_LONG_SECONDS - 0.5
    eventually(lambda: outages_told(runtime) == (1, 0), "the log says that it is away")
    assert [message["type"] for message in clients[0].told].count("frame_ack") == 1
    proxy.reach()
    for created, acknowledged in ((streams, 10), (rests, 10), (comes, 0)):
        last_frame_seq = attached(created).told[0]["last_frame_seq"]
        # A checkpoint may have been stored without an acknowledgement.
        assert last_frame_seq in {acknowledged, 20 if acknowledged else 0}
        expected = expected_events(SQUAT, POSES[:last_frame_seq], finished=False)
        assert stored_events(created) == expected
    assert outages_told(runtime) == (1, 1)
    assert "Traceback" not in runtime.log.read_text()
