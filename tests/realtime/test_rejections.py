"""`frame_ack` says why a frame is rejected, and what is rejected changes nothing."""

from typing import Any

import pytest
from rows import session_of
from streaming import Client, wire_frame, wire_frames

from dev.poses.figure import perform
from realtime.frames import RejectReason
from sessions_app.stream_state import stored_state
from tests.conftest import SESSIONS, Machine
from tests.server import RuntimeServer

pytestmark = pytest.mark.django_db(transaction=True)

RUNTIME = {"SESSION_MAX_SECONDS": "600"}
POSES = perform("squat", repetitions=2, fps=30)
FRAMES = wire_frames(POSES)
STILL = POSES[0]


def state(created: dict[str, Any]) -> tuple[object, ...]:
    """But for the summary, which counts what is rejected."""
    row = session_of(created)
    stored = stored_state(row)
    stored.pop("summary", None)
    return (
        stored, row.accepted_frames_total, row.last_frame_seq, row.events_total,
    )  # fmt: skip


def of_the_image(frame: dict[str, Any]) -> dict[str, Any]:
    """With landmarks as MediaPipe gives them for the image: 0 to 1, from its corner."""
    landmarks = [
        {**point, "x": 0.5 + point["x"] / 4, "y": 0.5 + point["y"] / 4}
        for point in frame["landmarks"]
    ]
    return {**frame, "landmarks": landmarks}


def test_every_kind_of_fault_has_its_reason_and_changes_nothing(
    client: Client, created: dict[str, Any]
) -> None:
    assert client.reasons(1, FRAMES[:20]) == {}
    before = state(created)
    following = FRAMES[20]
    first_ms = FRAMES[0]["timestamp_ms"]
    faulty = {
        "malformed_frame": [None, {}, {**following, "confidence": 2}, {**following, "source": 1}],
        "unsupported_pose_schema": [{**following, "pose_schema": "coco/v1", "landmarks": []}],
        "invalid_landmarks": [
            {**following, "landmarks": following["landmarks"][:32]},
            {**following, "landmarks": [following["landmarks"][0]] * 33},
            {
                **following,
                "landmarks": [{**one, "x": float("nan")} for one in FRAMES[20]["landmarks"]],
            },
        ],
        "image_landmarks": [of_the_image(following)],
        "frame_seq_not_increasing": [FRAMES[19], {**following, "frame_seq": 7}],
        "timestamp_not_increasing": [{**following, "timestamp_ms": FRAMES[19]["timestamp_ms"]}],
        "timestamp_beyond_session": [{**following, "timestamp_ms": first_ms + 600_001}],
    }
    expected = [reason for reason, frames in faulty.items() for _ in frames]
    told = client.reasons(2, [frame for frames in faulty.values() for frame in frames])
    assert told == dict(enumerate(expected))
    assert state(created) == before
    assert {*expected, "session_ending", "too_many_frames"} == set(RejectReason)
    assert client.reasons(3, FRAMES[20:]) == {}
    # But those that were only sent again.
    assert session_of(created).rejected_frames_total == len(expected) - 2


def test_an_ack_has_ten_details_of_120_characters(client: Client) -> None:
    """Those of its first rejected frames, whatever their reasons."""
    assert client.reasons(1, FRAMES[:20]) == {}
    long = {"x" * 20_000: [[1]] * 5_000}
    faulty = [
        FRAMES[20],
        *[{**FRAMES[20], "landmarks": [{**long, "name": "😀" * 500}] * 2}] * 3,
        *[FRAMES[3]] * 4,
        FRAMES[21],
        *[None] * 100,
        FRAMES[22],
        *[FRAMES[4]] * 100,
    ]
    details = client.details(2, faulty)
    assert len(details) == 207
    told = [detail for detail in details.values() if detail is not None]
    assert list(details.values()) == [*told, *[None] * 197]
    assert [detail.partition(" ")[0] for detail in told] == [
        *["Invalid"] * 3, *["frame_seq"] * 4, *["Expected"] * 3,
    ]  # fmt: skip
    assert all(0 < len(detail) <= 120 for detail in told)
    assert client.reasons(3, FRAMES[23:]) == {}


def test_after_the_end_was_asked_for_every_frame_is_told_so(
    owner: Machine, client: Client, created: dict[str, Any], hurried: RuntimeServer
) -> None:
    assert client.reasons(1, FRAMES[:20]) == {}
    frames = [*FRAMES[18:22], None, of_the_image(FRAMES[22])]
    # At once: what comes after the end was answered is not read.
    client.send_together(
        {"type": "finalize"}, {"type": "frame_batch", "batch_seq": 2, "frames": frames}
    )
    assert client.to_the_end() == 1000
    ack = next(one for one in client.told if one["type"] == "frame_ack" and one["batch_seq"] == 2)
    assert ack["rejected_frames"] == [
        {"index": index, "reason": "session_ending"} for index in range(6)
    ]
    assert client.told[-1]["accepted_frames_total"] == 20
    record = owner.get(f"{SESSIONS}/{created['session_id']}").json()
    assert (record["status"], record["accepted_frames_total"]) == ("completed", 20)


def burst(first: int, count: int, start_ms: float = 0) -> list[dict[str, Any]]:
    """So many frames within less than a millisecond of their own time."""
    return [
        wire_frame(STILL, first + n, timestamp_ms=start_ms + n / 1000) for n in range(count)
    ]  # fmt: skip


def test_a_client_may_not_send_any_number_of_frames_for_a_second_of_its_time(
    client: Client, created: dict[str, Any]
) -> None:
    told = client.reasons(1, burst(1, 300))
    assert told == dict.fromkeys(range(240, 300), "too_many_frames")
    detail = "timestamp_ms 0.299 is too soon: 240 frames a second of timestamp_ms are taken"
    assert client.details(1, burst(300, 1, 0.299)) == {0: detail}
    before = state(created)
    assert client.reasons(2, burst(241, 60, 0.24)) == dict.fromkeys(range(60), "too_many_frames")
    assert state(created) == before
    # Half a second of its time brings half of them.
    told = client.reasons(3, burst(241, 130, 500.2))
    assert told == dict.fromkeys(range(120, 130), "too_many_frames")
    assert state(created)[1:3] == (360, 360)
