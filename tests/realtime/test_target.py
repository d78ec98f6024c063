"""What a create says to the stream: a target that ends the session, and what finds the person"""

from typing import Any

import pytest
from rows import await_detached, session_of, stored_events
from streaming import Client, attached, batches, create, wire_frames

from dev.poses.figure import perform
from movespecs.models import MoveSpec
from sessions_app.models import DetectionSession
from tests.conftest import SESSIONS, Machine, make_released
from tests.server import RuntimeServer
from tests.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)

SQUATS = wire_frames(perform("squat", repetitions=4, fps=10))
PLANK = wire_frames(perform("plank", repetitions=1, fps=10))
HOLD = """\
name: plank
version: "1"
detection:
  type: hold
  movement:
    name: plank
    target_ms: 20000
    phases:
      - {name: up, criteria: [{joint: hip, min: 150}]}
"""


def send_until_done(client: Client, frames: list[dict[str, Any]], size: int) -> dict[str, Any]:
    """Send batches until the session ends by itself; its session_done."""
    for batch_seq, batch in enumerate(batches(frames, size), 1):
        client.send_batch(batch_seq, batch)
        while (message := client.next()) is not None and message["type"] != "frame_ack":
            pass
        if message is None or session_of({"session_id": client.told[0]["session_id"]}).ended_at:
            break
    done = next((one for one in client.told if one["type"] == "session_done"), None)
    return done or client.until("session_done")


@pytest.mark.parametrize("size", [1, 7, 150])
def test_repetitions_end_it_at_the_same_frame_however_they_are_sent(
    owner: Machine, squat: MoveSpec, hurried: RuntimeServer, size: int
) -> None:
    target = {"repetitions": 2}
    created = create(owner, squat, hurried.url, target=target)
    done = send_until_done(attached(created), SQUATS, size)
    assert (done["status"], done["terminal_outcome"]) == ("completed", "completed")
    assert (done["repetitions"], done["ended_by"]) == ({"squat": 2}, "target")
    record = owner.get(f"{SESSIONS}/{created['session_id']}").json()
    assert (record["target"], record["ended_by"]) == (target, "target")
    kind, ts_ms, _ = stored_events(created)[-1]
    last_frame = SQUATS[record["accepted_frames_total"] - 1]
    assert (kind, ts_ms) == ("event_completed", last_frame["timestamp_ms"])


def test_frames_after_it_are_rejected_and_lost_on_nobody(
    owner: Machine, squat: MoveSpec, hurried: RuntimeServer
) -> None:
    created = create(owner, squat, hurried.url, target={"repetitions": 1})
    client = attached(created)
    client.send_batch(1, SQUATS)
    ack = client.until("frame_ack")
    assert {frame["reason"] for frame in ack["rejected_frames"]} == {"session_ending"}
    assert ack["accepted_frame_count"] + len(ack["rejected_frames"]) == len(SQUATS)
    assert client.until("session_done")["repetitions"] == {"squat": 1}
    assert client.to_the_end() == 1000


def test_a_hold_ends_it(owner: Machine, hurried: RuntimeServer) -> None:
    plank, _ = make_released(owner.project, HOLD)
    created = create(owner, plank, hurried.url, target={"hold_ms": 2_000})
    done = send_until_done(attached(created), PLANK, 10)
    assert (done["status"], done["ended_by"]) == ("completed", "target")
    assert done["summary"]["plank"]["longest_ms"] == pytest.approx(2_000, abs=100)


def test_a_client_that_leaves_at_the_target_completes_its_session(
    owner: Machine, squat: MoveSpec, hurried: RuntimeServer
) -> None:
    created = create(owner, squat, hurried.url, target={"repetitions": 1})
    client = attached(created)
    client.send_batch(1, SQUATS)
    client.socket.shutdown()
    eventually(lambda: session_of(created).ended_at is not None, "its end")
    session = session_of(created)
    assert (session.terminal_outcome, session.ended_by) == ("completed", "target")
    assert (session.repetitions, session.rejected_frames_total) == ({"squat": 1}, 0)


def test_a_batch_sent_again_after_the_target_gets_its_events(
    owner: Machine, squat: MoveSpec, hurried: RuntimeServer
) -> None:
    """As where a runtime ends between the checkpoint and its acknowledgement."""
    created = create(owner, squat, hurried.url, target={"repetitions": 9})
    client = attached(created)
    client.send_batch(1, SQUATS)
    client.until("frame_ack")
    told = client.events()
    client.socket.shutdown()
    await_detached(created)
    finalizing = {"status": "finalizing", "finishing_outcome": "completed", "ended_by": "target"}
    DetectionSession.objects.filter(id=created["session_id"]).update(**finalizing)
    again = attached(created)
    assert again.told[0]["status"] == "finalizing"
    again.send_batch(1, SQUATS)
    ack = again.until("frame_ack")
    assert {frame["reason"] for frame in ack["rejected_frames"]} == {"session_ending"}
    assert again.events() == told
    assert again.until("session_done")["ended_by"] == "target"


def test_a_client_that_finalizes_before_ended_it_itself(
    owner: Machine, squat: MoveSpec, hurried: RuntimeServer
) -> None:
    created = create(owner, squat, hurried.url, target={"repetitions": 9})
    client = attached(created)
    client.send_batch(1, SQUATS)
    client.send({"type": "finalize"})
    done = client.until("session_done")
    assert (done["repetitions"], done["ended_by"]) == ({"squat": 4}, None)


@pytest.mark.parametrize(
    ("landmarker", "warnings"),
    [
        (None, None),
        ({"name": "pose", "visibility": True}, None),
        ({"name": "pose", "visibility": False}, ["no_visibility"]),
    ],
)
def test_a_client_whose_landmarker_gives_no_visibility_is_told_as_it_attaches(
    owner: Machine, squat: MoveSpec, hurried: RuntimeServer, landmarker: Any, warnings: Any
) -> None:
    client = Client(create(owner, squat, hurried.url, landmarker=landmarker))
    assert client.expect("session_update").get("warnings") == warnings
    client.drop()
