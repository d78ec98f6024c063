"""A session whose row someone holds up holds up no other: one of two connections is left."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.utils import timezone
from rows import await_waiting_backends, locked_row, session_of
from streaming import Client, create, wire_frames

from movespecs.models import MoveSpec
from poses.figure import perform
from sessions_app.holding import LEASE
from tests.concurrency.racing import eventually, waiting_backends
from tests.conftest import Machine
from tests.server import RuntimeServer

pytestmark = pytest.mark.django_db(transaction=True)

RUNTIME = {"HURRY": '{"RENEW_SECONDS": 0.2}'}
FRAMES = wire_frames(perform("squat", repetitions=1, fps=10))


@pytest.fixture
def held_and_free(
    owner: Machine, squat: MoveSpec, hurried: RuntimeServer
) -> Iterator[list[tuple[dict[str, Any], Client]]]:
    sessions = [create(owner, squat, hurried.url) for _ in range(2)]
    clients = [Client(created) for created in sessions]
    for client in clients:
        client.expect("session_update")
    yield list(zip(sessions, clients, strict=True))
    for client in clients:
        client.socket.close()


def test_the_checkpoints_of_others_go_on(
    held_and_free: list[tuple[dict[str, Any], Client]],
) -> None:
    (held, waits), (free, streams) = held_and_free
    with locked_row(held):
        waits.send_batch(1, FRAMES[:5])
        await_waiting_backends(1)
        for number in range(0, len(FRAMES), 5):
            streams.send_batch(1, FRAMES[number : number + 5])
            streams.until("frame_ack")
        assert [message["type"] for message in waits.told] == ["session_update"]
    assert waits.until("frame_ack")["accepted_frames_total"] == 5
    assert session_of(free).accepted_frames_total == len(FRAMES)


def test_the_leases_of_others_are_renewed(
    held_and_free: list[tuple[dict[str, Any], Client]],
) -> None:
    (held, waits), (free, _) = held_and_free
    with locked_row(held):
        since = timezone.now()
        before = session_of(held).lease_until
        eventually(lambda: session_of(free).lease_until >= since + LEASE, "it is renewed")
        assert waiting_backends() == 0
        assert session_of(held).lease_until == before
    eventually(lambda: session_of(held).lease_until >= since + LEASE, "so is the other")
    # It was held all the time.
    waits.send({"type": "ping"})
    assert waits.expect("pong") == {"type": "pong"}
