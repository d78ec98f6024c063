"""Runtimes killed at random moments: nothing acknowledged is lost, nothing counts twice."""

import os
import random
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from rows import create_many, session_of, stored_events

from clients.python.stream import StreamClient, StreamListener
from clients.python.wire import FrameAck
from dev.local_stack.guard import children_of
from dev.local_stack.ports import free_port
from dev.poses.figure import perform
from movespecs.models import MoveSpec
from tests.conftest import SESSIONS, Machine
from tests.long_runs import at_length
from tests.server import RuntimeServer, runtime_server
from tests.waiting import DEADLINE_SECONDS, eventually

pytestmark = pytest.mark.django_db(transaction=True)

FIGURES = [perform("squat", repetitions=2, fps=10, seed=seed) for seed in range(5)]
BATCH_POSES = 4
# Between two batches, so that they outlast the kills.
PAUSE_SECONDS = 0.2


class Supervisor:
    """Two runtimes side by side, each started again on its port after it was killed."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._folder, self._stack = folder, stack
        self._servers = [self._start(free_port()) for _ in range(2)]
        self.stream_urls = [server.url for server in self._servers]

    def kill(self, number: int) -> None:
        """`kill -9`, and start it again."""
        server = self._servers[number]
        [runtime] = children_of(server.process.pid)
        os.kill(runtime, signal.SIGKILL)
        server.process.wait(DEADLINE_SECONDS)
        self._servers[number] = self._start(server.port)

    def _start(self, port: int) -> RuntimeServer:
        return self._stack.enter_context(runtime_server(self._folder, port=port))


@pytest.fixture
def supervisor(tmp_path: Path, transactional_db: None) -> Iterator[Supervisor]:
    with ExitStack() as stack:
        yield Supervisor(tmp_path, stack)


class Acks(StreamListener):
    """Of all clients together."""

    def __init__(self) -> None:
        self.number = 0
        self._lock = threading.Lock()

    def batch_acknowledged(self, ack: FrameAck, frames: int) -> None:
        with self._lock:
            self.number += 1


@at_length("session_count", 30, 200)
def test_sessions_complete_as_if_undisturbed_when_runtimes_are_killed(
    owner: Machine, squat: MoveSpec, supervisor: Supervisor, session_count: int
) -> None:
    """A client lets go of what is acknowledged: it could not send that again."""
    kill_count = session_count // 15
    chance = random.Random(21)  # noqa: S311
    figures = [FIGURES[number % len(FIGURES)] for number in range(session_count)]
    batches = sum(len(figure) // BATCH_POSES for figure in figures)
    acks = Acks()
    sessions = [
        created
        for url in supervisor.stream_urls
        for created in create_many(owner, squat, url, session_count // 2)
    ]

    def stream(created: dict[str, Any], figure: Any) -> StreamClient:
        url, token = created["stream_url"], created["runtime_token"]
        with StreamClient(url, token, listener=acks) as client:
            for start in range(0, len(figure), BATCH_POSES):
                client.send(figure[start : start + BATCH_POSES])
                time.sleep(PAUSE_SECONDS)
            client.finalize()
        return client

    undisturbed = create_many(owner, squat, supervisor.stream_urls[0], len(FIGURES))
    with ThreadPoolExecutor(session_count) as threads:
        assert [one.attaches for one in threads.map(stream, undisturbed, FIGURES)] == [1] * 5
        expected = [stored_events(created) for created in undisturbed]
        acks.number = 0
        streams = [threads.submit(stream, *one) for one in zip(sessions, figures, strict=True)]
        for number in range(1, kill_count + 1):
            stop = 0.8 * batches * number / (kill_count + 1)
            eventually(lambda stop=stop: acks.number >= stop, "they go on", 60)
            supervisor.kill(chance.randrange(2))
        clients = [one.result(120) for one in streams]
    attaches = sum(client.attaches for client in clients)
    assert attaches > session_count + kill_count
    for number, (created, client) in enumerate(zip(sessions, clients, strict=True)):
        frames = len(figures[number])
        session = session_of(created)
        assert (session.status, session.terminal_outcome) == ("completed", "completed")
        assert (session.accepted_frames_total, session.last_frame_seq) == (frames, frames)
        rows = stored_events(created)
        assert rows == expected[number % len(FIGURES)]
        assert session.events_total == len(rows)
        assert client.done is not None
        assert client.done.accepted_frames_total == frames
        events = owner.get(f"{SESSIONS}/{created['session_id']}/events?limit=500").json()
        # Told in order; only the last ones, of the finish, may have been lost with a socket.
        told = [event.event_id for event in client.events]
        assert told == [event["event_id"] for event in events][: len(told)]
        assert len(told) == len(events) or client.has_missed_the_end
