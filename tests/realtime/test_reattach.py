"""Attaching again: where the client is told to go on, and what it may send again."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from rows import (
    await_detached,
    expected_events,
    session_of,
    stored_events,
    told_events,
    turn_clock_on,
)
from streaming import SQUAT, Client, wire_frames

from dev.poses.figure import perform
from sessions_app.finish import session_finish
from sessions_app.lifecycle import notify_runtimes
from sessions_app.models import DetectionSession, SessionAttach
from tests.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)

POSES = perform("squat", repetitions=2, fps=10)
FRAMES = wire_frames(POSES)
EVENTS = expected_events(SQUAT, POSES, finished=True)


def ack_of(client: Client, batch_seq: int, frames: Any) -> tuple[list[int], int]:
    """What is rejected of a batch, and the total; the counts are checked against each other."""
    client.send_batch(batch_seq, frames)
    ack = client.until("frame_ack")
    assert ack["batch_seq"] == batch_seq
    rejected: list[int] = ack["rejected_frame_indexes"]
    assert ack["accepted_frame_count"] == len(frames) - len(rejected)
    return rejected, ack["accepted_frames_total"]


def again(client: Client, created: dict[str, Any]) -> tuple[Client, dict[str, Any]]:
    """The socket breaks, and the client attaches anew."""
    client.drop()
    newer = Client(created)
    return newer, newer.expect("session_update")


def test_the_first_message_says_where_to_go_on(client: Client, created: dict[str, Any]) -> None:
    assert ack_of(client, 7, FRAMES[:10]) == ([], 10)
    assert ack_of(client, 3, FRAMES[10:12]) == ([], 12)  # batches may be numbered as they like
    newer, update = again(client, created)
    assert update == {
        "type": "session_update",
        "session_id": created["session_id"],
        "status": "streaming",
        "accepted_frames_total": 12,
        "terminal_outcome": None,
        "last_batch_seq": 7,
        "last_frame_seq": 12,
        "readiness": {"state": "ready", "missing": []},
    }
    newer.socket.close()


def test_frames_sent_again_are_rejected_and_their_events_told_again(
    client: Client, created: dict[str, Any]
) -> None:
    assert ack_of(client, 1, FRAMES[:20]) == ([], 20)
    assert ack_of(client, 2, FRAMES[20:40]) == ([], 40)
    first_told = client.events()
    assert told_events(first_told) == expected_events(SQUAT, POSES[:40], finished=False)
    newer, _ = again(client, created)
    # The second batch of before, and new frames with it.
    newer.send_batch(2, FRAMES[20:])
    told = newer.expect("event_batch")
    ack = newer.expect("frame_ack")
    assert ack["rejected_frame_indexes"] == list(range(20))
    assert ack["accepted_frames_total"] == len(FRAMES)
    of_second = [event for event in first_told if event["ts_ms"] >= FRAMES[20]["timestamp_ms"]]
    assert 0 < len(of_second) < len(first_told)
    assert told["events"][: len(of_second)] == of_second
    known = {event["event_id"] for event in first_told}
    assert [event for event in told["events"] if event["event_id"] in known] == of_second
    newer.send({"type": "finalize"})
    assert newer.until("session_done")["accepted_frames_total"] == len(FRAMES)
    assert newer.to_the_end() == 1000
    all_told = {event["event_id"]: event for event in first_told + newer.events()}
    assert told_events(list(all_told.values())) == EVENTS == stored_events(created)


def test_it_is_detached_with_the_code_of_its_close(client: Client, created: dict[str, Any]) -> None:
    ack_of(client, 1, FRAMES[:5])
    client.socket.close(status=1001)
    await_detached(created)
    eventually(
        lambda: SessionAttach.objects.get(session_id=created["session_id"]).close_code == 1001,
        "the code is noted",
    )
    session = session_of(created)
    assert (session.status, session.lease_until) == ("streaming", None)


# --- While it finalizes ---------------------------------------------------------------------


def make_finalizing(created: dict[str, Any]) -> None:
    """As a finalize leaves it whose runtime dies before it has finished the session."""
    DetectionSession.objects.filter(id=created["session_id"]).update(
        status="finalizing",
        finishing_outcome="completed",
        deadline_at=timezone.now() + timedelta(seconds=60),
    )


def again_finalizing(client: Client, created: dict[str, Any]) -> Client:
    client.drop()
    await_detached(created)
    make_finalizing(created)
    newer = Client(created)
    assert newer.expect("session_update")["status"] == "finalizing"
    return newer


def test_what_was_not_acknowledged_is_told_while_it_finalizes(
    client: Client, created: dict[str, Any]
) -> None:
    assert ack_of(client, 1, FRAMES[:20]) == ([], 20)
    assert ack_of(client, 2, FRAMES[20:50]) == ([], 50)
    told = client.events()
    of_second = [event for event in told if event["ts_ms"] >= FRAMES[20]["timestamp_ms"]]
    newer = again_finalizing(client, created)
    # The second batch's answer was lost, and the third never came.
    newer.send_batch(2, FRAMES[20:50])
    assert newer.expect("event_batch") == {
        "type": "event_batch", "batch_seq": 2, "events": of_second,
    }  # fmt: skip
    ack = newer.expect("frame_ack")
    assert (ack["accepted_frame_count"], ack["accepted_frames_total"]) == (0, 50)
    assert ack["rejected_frame_indexes"] == list(range(30))
    assert ack_of(newer, 3, FRAMES[50:]) == (list(range(len(FRAMES) - 50)), 50)
    newer.send({"type": "ping"})
    newer.expect("pong")
    newer.send({"type": "finalize"})
    assert newer.expect("session_update")["status"] == "finalizing"
    last = newer.expect("event_batch")
    assert last["batch_seq"] == 3  # the highest that was seen
    assert newer.expect("session_done")["accepted_frames_total"] == 50
    assert newer.to_the_end() == 1000
    expected = expected_events(SQUAT, POSES[:50], finished=True)
    assert told_events(told + last["events"]) == expected == stored_events(created)


def test_a_bad_message_while_it_finalizes_leaves_it_completed(
    client: Client, created: dict[str, Any]
) -> None:
    assert ack_of(client, 1, FRAMES[:50]) == ([], 50)
    newer = again_finalizing(client, created)
    newer.send("no message")
    assert newer.to_the_end() == 4400
    assert session_of(created).status == "completed"
    assert stored_events(created) == expected_events(SQUAT, POSES[:50], finished=True)


@pytest.mark.parametrize("by", ["its own runtime", "a deadline"])
def test_the_last_events_are_told_whoever_has_finished(
    client: Client, created: dict[str, Any], by: str
) -> None:
    """Its runtime's write may be stored though the answer was lost; or a sweep comes first, or is
    still to come."""
    assert ack_of(client, 1, FRAMES[:50]) == ([], 50)
    told = client.events()
    make_finalizing(created)
    held = session_of(created)
    if by == "its own runtime":
        session_finish(session_id=held.id, attachment_id=held.attachment_id, now=timezone.now())
    else:
        turn_clock_on(created, 61)
    notify_runtimes([held.id])
    last = client.expect("event_batch")
    assert last["batch_seq"] == 1
    assert client.expect("session_done")["status"] == "completed"
    assert client.to_the_end() == 1000
    expected = expected_events(SQUAT, POSES[:50], finished=True)
    assert told_events(told + last["events"]) == expected == stored_events(created)
