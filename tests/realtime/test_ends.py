"""Every way that a session ends under a socket, and what the socket is told of it."""

import json
import time
from typing import Any
from uuid import uuid4

import msgspec
import psycopg
import pytest
from django.utils import timezone
from rows import (
    await_detached,
    await_waiting_backends,
    expected_events,
    locked_row,
    session_of,
    stored_events,
    told_events,
)
from streaming import SQUAT, Client, attached, batches, create, wire_frames

from detection import SNAPSHOT_FORM
from dev.poses.figure import perform
from movespecs.models import MoveSpec
from projects.models import suspend
from sessions_app.models import DetectionSession, Outcome, Status
from sessions_app.schemas import session_response
from sessions_app.session_ends import ended
from sessions_app.stream_state import pack, stored_state
from tests.concurrency.racing import racing
from tests.conftest import SESSIONS, Machine
from tests.server import RuntimeServer
from tests.server import test_database_url as database_url

pytestmark = pytest.mark.django_db(transaction=True)

RUNTIME = {"FAILING_FRAME_MS": "1234567", "HURRY": '{"RENEW_SECONDS": 0.5}'}
POSES = perform("squat", repetitions=2, fps=10)
MIDWAY = POSES[: len(POSES) * 2 // 3]  # ends within a repetition
UNFINISHED = expected_events(SQUAT, MIDWAY, finished=False)
FINISHED = expected_events(SQUAT, MIDWAY, finished=True)


def stream(client: Client, poses: Any = MIDWAY, first: int = 1) -> int:
    """Send and have acknowledged; the number of the last batch."""
    for batch_seq, batch in enumerate(batches(wire_frames(poses, first), 15), first):
        client.send_batch(batch_seq, batch)
        client.until("frame_ack")
    return batch_seq


def is_told_the_end(
    client: Client,
    created: dict[str, Any],
    status: str = "completed",
    outcome: str = "completed",
    code: str | None = None,
) -> None:
    """The next message is a session_done that agrees with the session's record, then a close."""
    message, row = {**client.expect("session_done")}, session_of(created)
    stored = json.loads(msgspec.json.encode(session_response(row, uuid4())))
    assert (stored["status"], stored["terminal_outcome"], stored["error_code"]) == (
        status, outcome, code,
    )  # fmt: skip
    assert message.pop("type") == "session_done"
    error = message.pop("error")
    assert (error and (error.pop("code"), bool(error.pop("message")))) == (code and (code, True))
    assert error in (None, {"retryable": False, "details": {}})
    assert message == {name: stored[name] for name in message}
    kinds = [kind for kind, _, _ in stored_events(created)]
    assert sum(message["repetitions"].values()) == kinds.count("event_completed")
    assert message["interrupted_total"] == kinds.count("event_interrupted")
    assert client.to_the_end() == 1000


def record(owner: Machine, created: dict[str, Any]) -> Any:
    return owner.get(f"{SESSIONS}/{created['session_id']}").json()


def end(owner: Machine, created: dict[str, Any], how: str) -> Any:
    response = owner.post(f"{SESSIONS}/{created['session_id']}/{how}")
    assert response.status_code == 200, response.content
    return response.json()


def refused(created: dict[str, Any], code: int = 4410) -> dict[str, Any]:
    """What an attach is told that is refused with `code`."""
    client = Client(created)
    error: dict[str, Any] = client.expect("error")["error"]
    assert client.next() is None
    assert client.close_code == code
    return error


# --- cancel ---------------------------------------------------------------------------------


def test_a_cancel_by_the_api_is_felt(owner: Machine, created: dict[str, Any]) -> None:
    client = attached(created)
    stream(client)
    assert end(owner, created, "cancel")["status"] == "cancelled"
    is_told_the_end(client, created, "cancelled", "cancelled")
    assert stored_events(created) == UNFINISHED
    assert record(owner, created)["accepted_frames_total"] == len(MIDWAY)


def test_an_end_that_nobody_told_of_is_found_with_the_lease(created: dict[str, Any]) -> None:
    client = attached(created)
    stream(client)
    over = ended(Status.CANCELLED, Outcome.CANCELLED, timezone.now())
    DetectionSession.objects.filter(id=created["session_id"]).update(**over)
    began = time.monotonic()
    assert client.expect("session_done")["status"] == "cancelled"
    assert time.monotonic() - began < 60  # the idle limit comes later
    assert client.to_the_end() == 1000


def test_a_batch_whose_checkpoint_a_cancel_overtakes_is_not_acknowledged(
    owner: Machine, created: dict[str, Any]
) -> None:
    client = attached(created)
    frames = wire_frames(MIDWAY)
    with locked_row(created) as release, racing([lambda: end(owner, created, "cancel")]) as race:
        race.start()
        await_waiting_backends(1)
        client.send_batch(1, frames[:15])
        await_waiting_backends(2)
        release()
        race.results()
    is_told_the_end(client, created, "cancelled", "cancelled")
    assert session_of(created).accepted_frames_total == 0
    assert stored_events(created) == []


# --- finalize -------------------------------------------------------------------------------


def test_a_finalize_by_the_socket_ends_with_the_finish_of_the_engine(
    owner: Machine, created: dict[str, Any]
) -> None:
    client = attached(created)
    last = stream(client)
    client.send({"type": "finalize"})
    update = client.expect("session_update")
    assert (update["status"], update["terminal_outcome"]) == ("finalizing", None)
    assert client.expect("event_batch")["batch_seq"] == last
    is_told_the_end(client, created)
    assert told_events(client.events()) == FINISHED == stored_events(created)
    assert session_of(created).events_total == len(FINISHED)


@pytest.mark.parametrize("first", ["the finalize", "the batch"])
def test_a_batch_already_received_when_the_api_finalizes_is_processed(
    owner: Machine, created: dict[str, Any], first: str
) -> None:
    client = attached(created)
    frames = wire_frames(MIDWAY)
    with locked_row(created) as release, racing([lambda: end(owner, created, "finalize")]) as race:
        if first == "the finalize":
            race.start()
            await_waiting_backends(1)
        client.send_batch(1, frames[:15])
        await_waiting_backends(2 if first == "the finalize" else 1)
        for batch_seq, batch in enumerate(batches(frames[15:], 10), 2):
            client.send_batch(batch_seq, batch)
        if first == "the batch":
            race.start()
            await_waiting_backends(2)
        release()
        race.results()
    assert client.to_the_end() == 1000
    acks = [message for message in client.told if message["type"] == "frame_ack"]
    assert [ack["batch_seq"] for ack in acks] == list(range(1, len(acks) + 1))
    assert (acks[0]["accepted_frame_count"], acks[0]["rejected_frame_indexes"]) == (15, [])
    accepted = 0
    for ack in acks:
        accepted += ack["accepted_frame_count"]
        assert ack["accepted_frames_total"] == accepted
        if ack["accepted_frame_count"] == 0:
            assert ack["rejected_frame_indexes"] == list(range(len(ack["rejected_frame_indexes"])))
    counts = [ack["accepted_frame_count"] for ack in acks]
    assert counts == sorted(counts, reverse=True)  # none is taken after one was not
    assert (client.told[-1]["status"], client.told[-1]["accepted_frames_total"]) == (
        "completed", accepted,
    )  # fmt: skip
    expected = expected_events(SQUAT, MIDWAY[:accepted], finished=True)
    assert told_events(client.events()) == expected == stored_events(created)


# --- after the end --------------------------------------------------------------------------


def test_an_attach_after_the_end_is_told_how_it_ended(
    owner: Machine, created: dict[str, Any]
) -> None:
    client = attached(created)
    stream(client)
    client.send({"type": "finalize"})
    assert client.to_the_end() == 1000
    before = stored_events(created)
    error = refused(created)
    assert (error["code"], error["retryable"]) == ("session_already_ended", False)
    assert error["details"] == {
        "status": "completed",
        "terminal_outcome": "completed",
        "accepted_frames_total": len(MIDWAY),
    }
    assert stored_events(created) == before
    assert record(owner, created)["status"] == "completed"


# --- suspension and failure -----------------------------------------------------------------


@pytest.mark.parametrize("what", ["project", "organization"])
def test_a_suspension_is_felt(owner: Machine, created: dict[str, Any], what: str) -> None:
    client = attached(created)
    stream(client)
    suspend(getattr(owner, what), now=timezone.now())
    is_told_the_end(client, created, "cancelled", "suspended", f"{what}_suspended")
    error = refused(created, 4403)
    assert error["code"] == f"{what}_suspended"


def test_an_engine_that_raises_fails_the_session(owner: Machine, created: dict[str, Any]) -> None:
    client = attached(created)
    stream(client)
    frames = wire_frames(MIDWAY[:3], len(MIDWAY) + 1)
    for number, frame in enumerate(frames):
        frame["timestamp_ms"] = 1234566.0 + number
    client.send_batch(9, frames)
    is_told_the_end(client, created, "failed", "failed", "runtime_error")
    assert stored_events(created) == UNFINISHED
    assert record(owner, created)["error_code"] == "runtime_error"


def test_an_engine_state_that_cannot_be_read_is_left_to_another_runtime(
    owner: Machine, created: dict[str, Any]
) -> None:
    client = attached(created)
    stream(client)
    client.socket.close()
    await_detached(created)
    readable = stored_state(session_of(created))
    later = SNAPSHOT_FORM + 1
    newer = readable | {"engine": readable["engine"] | {"form": later}}
    for state, version in (({"made": "unreadable"}, SNAPSHOT_FORM), (newer, None)):
        DetectionSession.objects.update(packed_state=pack(state), engine_version=version)
        error = refused(created, 1013)
        assert (error["code"], error["retryable"]) == ("state_unreadable", True)
        assert error["details"] == {"retry_after_seconds": 1}
        found = record(owner, created)
        assert (found["status"], found["error_code"]) == ("streaming", None)
        row = session_of(created)
        assert (stored_state(row), row.attachment_id) == (state, None)
    DetectionSession.objects.update(packed_state=pack(readable), engine_version=SNAPSHOT_FORM)
    client = attached(created)
    client.send({"type": "finalize"})
    assert client.until("session_done")["status"] == "completed"
    assert client.to_the_end() == 1000
    assert stored_events(created) == FINISHED


def test_a_session_whose_state_can_never_be_stored_fails(
    created: dict[str, Any], owner: Machine, squat: MoveSpec, hurried: RuntimeServer
) -> None:
    """And is not sent again for ever. Another's checkpoints are stored meanwhile."""
    other = create(owner, squat, hurried.url)
    with psycopg.connect(database_url(), autocommit=True) as database:
        database.execute(
            "ALTER TABLE detection_event ADD CONSTRAINT refused "
            f"CHECK (session_id <> '{created['session_id']}') NOT VALID"
        )
        try:
            client = attached(created)
            client.send_batch(1, wire_frames(MIDWAY)[:15])
            beside = attached(other)
            stream(beside)
            beside.socket.close()
            assert client.to_the_end() == 1000
        finally:
            database.execute("ALTER TABLE detection_event DROP CONSTRAINT refused")
    message = "The session's state could not be stored."
    row = session_of(created)
    assert (row.status, row.error_code, row.error_message) == ("failed", "runtime_error", message)
    assert client.told[-1]["error"]["code"] == "runtime_error"
    assert (row.accepted_frames_total, row.events_total, stored_events(created)) == (0, 0, [])
    assert session_of(other).accepted_frames_total == len(MIDWAY)


def test_a_fault_of_the_database_ends_no_session(created: dict[str, Any]) -> None:
    """Such as a right that is missing: its client attaches again."""
    client = attached(created)
    with psycopg.connect(database_url(), autocommit=True) as database:
        database.execute("ALTER TABLE detection_event RENAME TO elsewhere")
        try:
            client.send_batch(1, wire_frames(MIDWAY)[:15])
            assert client.to_the_end() == 1012
        finally:
            database.execute("ALTER TABLE elsewhere RENAME TO detection_event")
    assert session_of(created).status == "streaming"
    again = attached(created)
    stream(again)
    again.socket.close()
    await_detached(created)
    assert session_of(created).accepted_frames_total == len(MIDWAY)
