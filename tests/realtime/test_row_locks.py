"""A row that someone has locked delays no other session: not its attach, nor its checkpoints."""

from contextlib import ExitStack
from typing import Any

import pytest
from django.utils import timezone
from rows import await_detached, create_many, locked_row, session_of
from streaming import Client, attached, batches, wire_frames

from dev.poses.figure import perform
from kynaplatform.timing import LEASE
from movespecs.models import MoveSpec
from tests.concurrency.racing import waiting_backends
from tests.conftest import Machine
from tests.long_runs import at_length
from tests.server import RuntimeServer
from tests.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)

RUNTIME = {"HURRY": '{"RENEW_SECONDS": 0.2}'}
FRAMES = wire_frames(perform("squat", repetitions=1, fps=10))


def stream(client: Client, frames: list[dict[str, Any]]) -> None:
    for batch in batches(frames, 5):
        client.send_batch(1, batch)
        client.until("frame_ack")


@at_length("locked_rows", 5, 1, 2)
def test_the_checkpoints_of_others_go_on(
    owner: Machine, squat: MoveSpec, hurried: RuntimeServer, locked_rows: int
) -> None:
    """More rows than the runtime has connections to store checkpoints with, each of a batch."""
    *locked, free = create_many(owner, squat, hurried.url, locked_rows + 1)
    waits, streams = [attached(created) for created in locked], attached(free)
    with ExitStack() as locks:
        for number, (created, client) in enumerate(zip(locked, waits, strict=True)):
            locks.enter_context(locked_row(created))
            client.send_batch(1, FRAMES[:5])
            stream(streams, FRAMES[number : number + 1])
        stream(streams, FRAMES[locked_rows:])
        assert [client.told[1:] for client in waits] == [[]] * locked_rows
        assert {session_of(created).accepted_frames_total for created in locked} == {0}
    for client in waits:
        assert client.until("frame_ack")["accepted_frames_total"] == 5
        client.socket.close()
    assert session_of(free).accepted_frames_total == len(FRAMES)
    streams.socket.close()


def test_others_attach_while_a_client_attaches_again_and_again(
    owner: Machine, squat: MoveSpec, hurried: RuntimeServer
) -> None:
    """More often than the runtime has threads; each waits for the row of its session."""
    locked, *free = create_many(owner, squat, hurried.url, 4)
    attached(locked).socket.close()
    await_detached(locked)
    with locked_row(locked):
        waiting = [Client(locked) for _ in range(10)]
        eventually(lambda: waiting_backends() == 1, "an attach waits for the row")
        for created in free:
            client = attached(created)
            stream(client, FRAMES)
            client.send({"type": "finalize"})
            assert client.until("session_done")["accepted_frames_total"] == len(FRAMES)
            client.socket.close()
        assert [client.told for client in waiting] == [[]] * 10
        assert session_of(locked).attachment_id is None
    # The newest of them has the session.
    waiting[-1].expect("session_update")
    stream(waiting[-1], FRAMES)
    assert session_of(locked).accepted_frames_total == len(FRAMES)
    for client in waiting:
        client.socket.close()


def test_the_leases_of_others_are_renewed(
    owner: Machine, squat: MoveSpec, hurried: RuntimeServer
) -> None:
    locked, free = create_many(owner, squat, hurried.url, 2)
    clients = [attached(locked), attached(free)]
    with locked_row(locked):
        since = timezone.now()
        before = session_of(locked).lease_until
        eventually(lambda: session_of(free).lease_until >= since + LEASE, "it is renewed")
        assert waiting_backends() == 0
        assert session_of(locked).lease_until == before
    eventually(lambda: session_of(locked).lease_until >= since + LEASE, "so is the other")
    # Its session was held all the time.
    clients[0].send({"type": "ping"})
    assert clients[0].expect("pong") == {"type": "pong"}
    for client in clients:
        client.socket.close()
