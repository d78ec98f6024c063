"""`frame_ack` says why a frame is rejected, and what is rejected changes nothing."""

import os
import signal
from pathlib import Path
from typing import Any

import pytest
from rows import session_of
from streaming import Client, attached, create, wire_frame, wire_frames

from dev.local_stack.guard import children_of
from dev.poses.figure import perform
from movespecs.models import MoveSpec
from realtime.frames import RejectReason
from sessions_app.stream_state import stored_state
from tests.conftest import SESSIONS, Machine
from tests.server import RuntimeServer, runtime_server

pytestmark = pytest.mark.django_db(transaction=True)

RUNTIME = {"SESSION_MAX_SECONDS": "600"}
POSES = perform("squat", repetitions=2, fps=30)
FRAMES = wire_frames(POSES)
STILL = POSES[0]
NAN = float("nan")


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


def eye(**changed: Any) -> dict[str, Any]:
    """A frame with another left_eye_outer."""
    landmarks = list(FRAMES[20]["landmarks"])
    landmarks[3] = {**landmarks[3], **changed}
    return {**FRAMES[20], "landmarks": landmarks}


NEXT = FRAMES[20]
FAULTS: list[tuple[Any, str]] = [
    ({}, "timestamp_ms is required"),
    ({**NEXT, "confidence": NAN}, "confidence must be a number from 0 to 1, not NaN or Infinity"),
    (
        {**NEXT, "landmarks": NEXT["landmarks"][:1] * 33},
        "landmarks lacks left_eye_inner and has another twice",
    ),
    (
        eye(x="0.5"),
        'landmarks[3].x (left_eye_outer) must be a number, not the string "0.5"',
    ),
    (
        of_the_image(NEXT),
        "the middle of the hips is at x 0.501, y 0.502, over 0.3 m from the origin",
    ),
    (FRAMES[19], "frame_seq 20 is not above the last one, 20"),
    ({**NEXT, "timestamp_ms": 1.5}, "timestamp_ms 1.5 is not after the last one, LAST"),
    (
        {**NEXT, "timestamp_ms": 600_001.25},
        "timestamp_ms 600001.25 is over 600000 ms after the first one, FIRST",
    ),
]


def test_each_rejection_tells_the_field_and_its_fault(client: Client) -> None:
    """In batches of their own: an ack has ten details."""
    assert client.reasons(1, FRAMES[:20]) == {}
    known = {"FIRST": FRAMES[0]["timestamp_ms"], "LAST": FRAMES[19]["timestamp_ms"]}
    for frame, told in FAULTS:
        for name, timestamp_ms in known.items():
            told = told.replace(name, f"{timestamp_ms:.15g}")
        assert client.details(2, [frame]) == {0: told}
    assert client.reasons(3, FRAMES[20:]) == {}


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
        *["landmarks[0].name"] * 3, *["frame_seq"] * 4, *["the"] * 3,
    ]  # fmt: skip
    assert all(0 < len(detail) <= 120 for detail in told)
    assert client.reasons(3, FRAMES[23:]) == {}


def test_where_a_clock_lost_the_pose_is_told(client: Client) -> None:
    last_ms = FRAMES[19]["timestamp_ms"]
    assert client.reasons(1, FRAMES[:20]) == {}
    client.send({"type": "frame_batch", "batch_seq": 2, "frames": [], "clock_ms": last_ms + 5_000})
    client.until("frame_ack")
    early = last_ms + 100
    told = client.details(3, [{**FRAMES[20], "timestamp_ms": early}])
    lost = f"{last_ms + 2_000:.15g}, where a clock lost the pose"
    assert told == {0: f"timestamp_ms {early:.15g} is before {lost}"}


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


@pytest.mark.parametrize("how", ["attach again", "another runtime"])
def test_the_bucket_of_a_session_is_the_same_after_another_attach(
    owner: Machine, squat: MoveSpec, tmp_path: Path, hurried: RuntimeServer, how: str
) -> None:
    with runtime_server(tmp_path) as first:
        created = create(owner, squat, first.url)
        client = attached(created)
        assert client.reasons(1, burst(1, 200)) == {}
        if how == "attach again":
            client.drop()
        else:
            (pid,) = children_of(first.process.pid)
            os.kill(pid, signal.SIGKILL)
            created["stream_url"] = f"{hurried.url}/{created['session_id']}"
        again = attached(created)
        told = again.reasons(2, burst(201, 60, 0.2))
        assert told == dict.fromkeys(range(40, 60), "too_many_frames")
        again.drop()
