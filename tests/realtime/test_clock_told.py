"""A person leaves and only the client's clock goes on, on a real runtime."""

from collections.abc import Sequence
from typing import Any

import pytest
from rows import expected_events, session_of, stored_events, told_events
from streaming import SQUAT, Client, wire_frames
from test_accepted_frames import HOUR_MS
from test_reattach import again

from dev.poses.figure import perform
from tests.conftest import SESSIONS, Machine

pytestmark = pytest.mark.django_db(transaction=True)

# Until somebody is down, midway through a repetition.
POSES = perform("squat", repetitions=1, fps=10)[:26]
FRAMES = wire_frames(POSES)
LAST_MS = POSES[-1].timestamp_ms
SEEN = expected_events(SQUAT, POSES, finished=False)
INTERRUPTED = {
    "reason": "pose_lost",
    "number": 1,
    "side": None,
    "path": None,
    "by": None,
    "metrics": {"checks": [], "previous": None},
}
LOST = [
    ("shape_exit", LAST_MS + 2000, {"shape_key": "bottom", "confidence": 0.0}),
    ("event_interrupted", LAST_MS + 2000, INTERRUPTED),
]


def tell(
    client: Client, batch_seq: int, clock_ms: float, frames: Sequence[dict[str, Any]] = ()
) -> dict[str, Any]:
    """Its ack; what is rejected is only what was accepted before."""
    client.send(
        {
            "type": "frame_batch",
            "batch_seq": batch_seq,
            "frames": list(frames),
            "clock_ms": clock_ms,
        }
    )
    ack = client.until("frame_ack")
    assert ack["batch_seq"] == batch_seq
    return ack


def api_events(owner: Machine, created: dict[str, Any]) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = owner.get(f"{SESSIONS}/{created['session_id']}/events").json()
    return events


def test_a_person_who_leaves_is_told_of_while_he_is_away(
    client: Client, created: dict[str, Any], owner: Machine
) -> None:
    tell(client, 1, LAST_MS, FRAMES)
    assert told_events(client.events()) == SEEN
    for batch_seq, passed_ms in enumerate((500, 1000, 1500, 1999), 2):
        tell(client, batch_seq, LAST_MS + passed_ms)
    checkpoints = session_of(created).checkpoint_number
    assert told_events(client.events()) == SEEN
    assert tell(client, 6, LAST_MS + 2100) == {
        "type": "frame_ack",
        "batch_seq": 6,
        "accepted_frame_count": 0,
        "accepted_frames_total": len(FRAMES),
        "rejected_frame_indexes": [],
        "rejected_frames": [],
        "readiness": {"state": "no_person", "missing": []},
    }
    events = client.told[-2]
    assert (events["type"], events["batch_seq"]) == ("event_batch", 6)
    assert told_events(events["events"]) == LOST
    session = session_of(created)
    assert (session.checkpoint_number, session.last_batch_seq) == (checkpoints + 1, 6)
    told = client.events()
    assert api_events(owner, created) == told
    assert stored_events(created) == SEEN + LOST


def test_only_a_clock_that_goes_on_is_stored(client: Client, created: dict[str, Any]) -> None:
    tell(client, 1, LAST_MS, FRAMES)
    stored = []
    for batch_seq, passed_ms in enumerate((500, 500, 400, 1000, HOUR_MS), 2):
        tell(client, batch_seq, LAST_MS + passed_ms)
        stored.append(session_of(created).checkpoint_number)
    assert stored == [2, 2, 2, 3, 3]


def test_a_clock_whose_answer_was_lost_is_answered_alike_when_sent_again(
    client: Client, created: dict[str, Any]
) -> None:
    tell(client, 1, LAST_MS, FRAMES)
    tell(client, 2, LAST_MS + 2100)
    told = client.events()
    newer, _ = again(client, created)
    assert tell(newer, 2, LAST_MS + 2100)["accepted_frame_count"] == 0
    assert newer.events() == told[len(SEEN) :]
    assert stored_events(created) == SEEN + LOST
    newer.socket.close()
