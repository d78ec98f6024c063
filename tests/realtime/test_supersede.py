"""Attaches that race for one session: the newest holds it, and the older one changes nothing."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
from rows import (
    await_waiting_backends,
    expected_events,
    locked_row,
    session_of,
    stored_events,
)
from streaming import SQUAT, Client, wire_frames

from dev.poses.figure import perform
from sessions_app.models import SessionAttach
from tests.concurrency.racing import race, racing
from tests.server import RuntimeServer, runtime_server
from tests.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)

# Whoever came first to a locked row is still first in its queue when the test lets go of it.
# And no renewal of leases finds what was not heard.
RUNTIME = {"LOCK_TIMEOUT": "14s", "HURRY": '{"RENEW_SECONDS": 3600}'}
POSES = perform("squat", repetitions=1, fps=10)
FRAMES = wire_frames(POSES)
EVENTS = expected_events(SQUAT, POSES, finished=True)


@pytest.fixture(scope="module")
def _second(
    tmp_path_factory: pytest.TempPathFactory, django_db_setup: None
) -> Iterator[RuntimeServer]:
    folder = tmp_path_factory.mktemp("second")
    with runtime_server(folder, RUNTIME, module="tests.realtime.hurried") as server:
        yield server


@pytest.fixture
def other_url(hurried: RuntimeServer, _second: RuntimeServer) -> Iterator[str]:
    """Of another runtime."""
    yield _second.url
    _second.await_no_sockets()


def through(created: dict[str, Any], stream_url: str) -> dict[str, Any]:
    return created | {"stream_url": f"{stream_url}/{created['session_id']}"}


def is_superseded(client: Client) -> None:
    error = client.until("error")["error"]
    assert error.pop("message")
    assert error == {"code": "session_superseded", "retryable": False, "details": {}}
    assert client.next() is None
    assert client.close_code == 4409


def complete(client: Client, frames: Any = FRAMES) -> None:
    """Stream what is left, and be told that all of it counts once."""
    client.send_batch(7, frames)
    assert client.until("frame_ack")["accepted_frames_total"] == len(FRAMES)
    client.send({"type": "finalize"})
    assert client.until("session_done")["accepted_frames_total"] == len(FRAMES)
    assert client.to_the_end() == 1000


def close_codes(created: dict[str, Any]) -> list[int | None]:
    attaches = SessionAttach.objects.filter(session_id=created["session_id"])
    return list(attaches.order_by("attached_at").values_list("close_code", flat=True))


@contextmanager
def newer_and_lock(
    created: dict[str, Any], other_url: str
) -> Iterator[tuple[Any, Callable[[], None]]]:
    """A newer attach, yet to start, and what lets go of the row that both wait for."""
    with (
        locked_row(created) as release,
        racing([lambda: Client(through(created, other_url))]) as attaching,
    ):
        yield attaching, release


def test_the_newer_attach_holds_and_the_older_is_told(
    created: dict[str, Any], other_url: str
) -> None:
    older = Client(created)
    older.expect("session_update")
    older.send_batch(1, FRAMES[:10])
    older.until("frame_ack")
    newer = Client(through(created, other_url))
    assert newer.expect("session_update")["last_frame_seq"] == 10
    is_superseded(older)
    complete(newer, FRAMES[10:])
    assert stored_events(created) == EVENTS
    eventually(lambda: close_codes(created) == [4409, 1000], "both are noted")


def test_the_checkpoint_of_the_older_that_comes_late_changes_nothing(
    created: dict[str, Any], other_url: str
) -> None:
    older = Client(created)
    older.expect("session_update")
    with newer_and_lock(created, other_url) as (attaching, release):
        attaching.start()
        await_waiting_backends(1)
        older.send_batch(1, FRAMES[:20])
        await_waiting_backends(2)
        release()
        [newer] = attaching.results()
    update = newer.expect("session_update")
    assert (update["last_frame_seq"], update["last_batch_seq"]) == (0, 0)
    is_superseded(older)
    assert "frame_ack" not in [message["type"] for message in older.told]
    session = session_of(created)
    assert (session.accepted_frames_total, session.checkpoint_number) == (0, 0)
    assert (session.packed_state, stored_events(created)) == (None, [])
    complete(newer)
    assert stored_events(created) == EVENTS


@pytest.mark.parametrize("stage", ["created", "streaming"])
def test_exactly_one_of_many_attaches_holds(
    created: dict[str, Any], other_url: str, stage: str
) -> None:
    sockets = [created, through(created, other_url)] * 3
    first = Client(created) if stage == "streaming" else None
    if first is not None:
        first.expect("session_update")
    clients = race([lambda one=one: Client(one) for one in sockets])
    for client in clients:
        client.next()
    # One that arrived first may have come to the database last, and is told so at once.
    attached = [client for client in clients if client.told[0]["type"] == "session_update"]
    holder = session_of(created).attachment_id
    for client in attached:
        with suppress(OSError):  # it may have been closed already
            client.send_batch(1, FRAMES[:1])
        client.next()
    [winner] = [client for client in attached if client.told[-1]["type"] == "frame_ack"]
    assert session_of(created).attachment_id == holder
    for client in clients:
        if client is not winner:
            assert client.told[-1]["error"]["code"] == "session_superseded"
            assert client.to_the_end() == 4409
    if first is not None:
        is_superseded(first)
    complete(winner, FRAMES[1:])
    assert stored_events(created) == EVENTS
    losers = len(attached) - 1 + (first is not None)
    eventually(lambda: close_codes(created).count(4409) == losers, "every loser is noted")
    eventually(lambda: 1000 in close_codes(created), "and who held it to the end")
