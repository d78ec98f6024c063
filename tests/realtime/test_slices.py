"""A large batch is served in slices: others come between, and it is stored and answered as one."""

import asyncio
import json
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone
from rows import expected_events, session_of, stored_events, told_events
from streaming import SQUAT, create, wire_frames

import detection
from dev.poses.figure import perform
from kynaplatform import clock
from movespecs.models import MoveSpec
from projects.models import Project
from realtime import leased_session
from realtime.attach import attach
from realtime.checkpointer import Checkpointer
from realtime.connection import Connection
from realtime.fair_queue import MAX_TURN_SECONDS, SLICE_FRAMES, Turns
from realtime.leased_session import LeasedSession
from realtime.progress import progress_of
from realtime.socket import Socket
from sessions_app.checkpoints import Checkpoint, CheckpointOutcome
from sessions_app.lifecycle import session_cancel
from sessions_app.models import DetectionSession, Status
from tests import server
from tests.conftest import Machine

POSES = perform("squat", repetitions=4, fps=30)[:300]
FRAMES = wire_frames(POSES)
FRAME_SECONDS = 1e-4


class Client:
    """A socket's other end, within this process: what it sends waits, and it notes what comes."""

    def __init__(self, turns: Turns, *messages: Any) -> None:
        self.told: list[dict[str, Any]] = []
        self.closed: tuple[int, str] | None = None
        self._sent: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._sent.put_nowait({"type": "websocket.connect"})
        for message in messages:
            self._sent.put_nowait({"type": "websocket.receive", "text": json.dumps(message)})
        protocol = SimpleNamespace(is_writable=lambda: True, is_receiving=bool)
        self.socket = Socket(protocol, self._sent.get, self._hear, turns)

    async def _hear(self, event: dict[str, Any]) -> None:
        if event["type"] == "websocket.send":
            self.told.append(json.loads(event["text"]))
        elif event["type"] == "websocket.close":
            self.closed = event["code"], event["reason"]

    def kinds(self) -> list[str]:
        return [message["type"] for message in self.told]

    def events(self) -> list[dict[str, Any]]:
        return [event for told in self.told for event in told.get("events", [])]


def batch(frames: list[dict[str, Any]], batch_seq: int = 1) -> dict[str, Any]:
    return {"type": "frame_batch", "batch_seq": batch_seq, "frames": frames}


# --- The order of turns -----------------------------------------------------------------------


class Storing(Checkpointer):
    """It stores nothing: what is looked at happens before."""

    async def store(self, checkpoint: Checkpoint) -> CheckpointOutcome:
        return CheckpointOutcome.STORED


def attached() -> LeasedSession:
    """A session that streams, of no database."""
    spec = detection.compile(SQUAT)
    session = DetectionSession(id=uuid.uuid4(), project=Project(), status=Status.STREAMING)
    return LeasedSession(session, uuid.uuid4(), progress_of(session, spec))


@pytest.mark.parametrize("frame_seconds", [FRAME_SECONDS, MAX_TURN_SECONDS / 3])
def test_a_small_batch_waits_for_at_most_a_slice_of_each_large_one(
    monkeypatch: pytest.MonkeyPatch, frame_seconds: float
) -> None:
    """Eight sockets have sent 300 frames each, and are served, when another sends 15."""
    now, feed = 0.0, detection.Engine.feed
    fed: list[detection.Engine] = []

    def fed_in_turn(engine: detection.Engine, frame: Any) -> Any:
        nonlocal now
        now += frame_seconds
        fed.append(engine)
        return feed(engine, frame)

    monkeypatch.setattr(time, "thread_time", lambda: now)
    monkeypatch.setattr(time, "perf_counter", lambda: now)
    monkeypatch.setattr(detection.Engine, "feed", fed_in_turn)

    async def play() -> list[Client]:
        turns, storing = Turns(), Storing()
        large = [Client(turns, batch(FRAMES), batch(FRAMES, 2)) for _ in range(8)]
        small, small_session = Client(turns, batch(FRAMES[:15])), attached()
        serving = []

        async def serve(client: Client, session: LeasedSession) -> None:
            await client.socket.accept(None, [])
            connection = Connection(client.socket, session, storing)
            serving.append(asyncio.create_task(connection._serve_to_its_end()))

        for client in large:
            await serve(client, attached())
        while len({id(engine) for engine in fed}) < len(large):
            await asyncio.sleep(0)
        before = len(fed)
        await serve(small, small_session)
        while "frame_ack" not in small.kinds():
            await asyncio.sleep(0)
        waited_for = fed[before : fed.index(small_session.progress.engine)]
        slice_frames = min(SLICE_FRAMES, MAX_TURN_SECONDS / frame_seconds + 1)
        assert len(waited_for) <= len(large) * slice_frames
        assert not any("frame_ack" in client.kinds() for client in large)
        while not all("frame_ack" in client.kinds() for client in large):
            await asyncio.sleep(0)
        for task in serving:
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)
        for client in (*large, small):
            await client.socket.stop()
        return large

    large = asyncio.run(play())
    # No slice is longer, and each batch is answered as one.
    turns = 1 + sum(one is not other for one, other in pairwise(fed))
    assert turns >= len(large) * len(FRAMES) / SLICE_FRAMES
    whole = told_events(large[0].events())
    assert whole == expected_events(SQUAT, POSES, finished=False)
    for client in large:
        assert client.kinds()[:3] == ["session_update", "event_batch", "frame_ack"]
        assert client.told[2]["accepted_frame_count"] == len(FRAMES)
        assert told_events(client.events()) == whole


# --- What happens between two slices ------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("what", ["superseded", "cancelled", "overdue", "nothing"])
def test_what_happens_to_the_session_between_two_slices_is_followed(
    owner: Machine, squat: MoveSpec, settings: Any, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """The fence is that of the one checkpoint: all of the batch is stored, or nothing of it."""
    settings.DATABASE_URL = server.test_database_url()
    thread = ThreadPoolExecutor(1)  # whose connection is closed at the end
    monkeypatch.setattr(leased_session, "FOR_SESSIONS", thread)
    created = create(owner, squat, "ws://nowhere")
    session_id = uuid.UUID(created["session_id"])

    def take_session() -> LeasedSession:
        return attach(
            session_id=session_id,
            attachment_id=uuid.uuid4(),
            arrived_at=clock.ticks(),
            runtime="here:1",
            client="",
        )

    def cancel() -> None:
        session_cancel(session_id=session_id, project_id=owner.project.id, now=timezone.now())

    def expire() -> None:
        past = timezone.now() - timedelta(seconds=1)
        DetectionSession.objects.update(longest_until=past, deadline_at=past)

    happens: dict[str, Callable[[], object]] = {
        "superseded": take_session,
        "cancelled": cancel,
        "overdue": expire,
        "nothing": lambda: None,
    }
    slices = 0
    next_turn = Socket.next_turn

    async def happen_in_the_middle(socket: Socket) -> None:
        nonlocal slices
        slices += 1
        if slices == 2:
            await asyncio.wrap_future(thread.submit(happens[what]))
        await next_turn(socket)

    monkeypatch.setattr(Socket, "next_turn", happen_in_the_middle)

    async def play() -> Client:
        client = Client(Turns(), batch(FRAMES), {"type": "finalize"})
        storing = Checkpointer()
        storing.start()
        await client.socket.accept(None, [])
        session = await asyncio.wrap_future(thread.submit(take_session))
        await Connection(client.socket, session, storing).serve()
        await client.socket.stop()
        await storing.stop()
        return client

    client = asyncio.run(play())
    thread.submit(connections.close_all).result()
    row = session_of(created)
    assert slices >= len(FRAMES) / SLICE_FRAMES - 1
    if what in ("superseded", "cancelled"):
        assert "frame_ack" not in client.kinds()
        assert (row.accepted_frames_total, row.events_total, row.packed_state) == (0, 0, None)
        assert stored_events(created) == []
    if what == "superseded":
        assert client.told[-1]["error"]["code"] == "session_superseded"
        assert client.closed == (4409, "session_superseded")
    elif what == "cancelled":
        assert client.kinds() == ["session_update", "session_done"]
        assert client.closed == (1000, "cancelled")
    else:
        assert client.kinds()[:3] == ["session_update", "event_batch", "frame_ack"]
        assert client.closed == (1000, "completed")
        assert row.accepted_frames_total == len(FRAMES)
        told = expected_events(SQUAT, POSES, finished=True)
        assert stored_events(created) == told_events(client.events()) == told
