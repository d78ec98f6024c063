"""Messages that clients begin and do not end: a least pace for each, and a bound for all."""

import json
import time
from typing import Any

from raw import TEXT, RawSocket, attach, frame
from rows import locked_row
from stage import Stage
from streaming import wire_frames

from dev.poses.figure import perform
from sessions_app.models import SessionAttach
from tests.waiting import eventually

FIRST_SECONDS, MESSAGE_SECONDS, MAX_RECEIVED_BYTES = 1.0, 6.0, 1_000_000
MIN_BYTES_PER_SECOND, IDLE_SECONDS = 2_000, "5"
FRAMES = wire_frames(perform("squat", repetitions=1, fps=10))
BATCH = frame(
    TEXT, json.dumps({"type": "frame_batch", "batch_seq": 1, "frames": FRAMES[:15]}).encode()
)
# Padded with what JSON passes over.
LARGE = frame(TEXT, b'{"type":"ping"}' + b" " * 1_500_000)
ENVIRONMENT = {"SESSION_IDLE_SECONDS": IDLE_SECONDS}
HURRY = {
    "MESSAGE_FIRST_SECONDS": FIRST_SECONDS,
    "MESSAGE_SECONDS": MESSAGE_SECONDS,
    "PACE_SECONDS": 0.1,
    "MIN_BYTES_PER_SECOND": MIN_BYTES_PER_SECOND,
    "MAX_RECEIVED_BYTES": MAX_RECEIVED_BYTES,
    "CLOSING_SECONDS": 0.5,
}


def refusals(stage: Stage, why: str) -> float:
    return stage.metrics().get(f"kyna_stream_refusals_total{{{why}}}", 0.0)


def is_noted(stage: Stage, created: dict[str, Any], why: str, before: float) -> None:
    """Its close is, and its session lives on."""
    noted = SessionAttach.objects.filter(session_id=created["session_id"])
    eventually(lambda: noted.latest("attached_at").close_code == 4408, "its close is noted")
    assert refusals(stage, why) == before + 1
    again = attach(created)
    again.send(BATCH)
    assert b'"frame_ack"' in b"".join(again.read_frame()[1] for _ in range(2))
    again.close()


def send_slowly(raw: RawSocket, data: bytes, at_once: int, seconds: float) -> None:
    """Until it is cut."""
    for start in range(0, len(data), at_once):
        try:
            raw.socket.sendall(data[start : start + at_once])
        except OSError:
            return
        time.sleep(seconds)


def test_a_message_that_trickles_in_is_cut_off(stage: Stage) -> None:
    before = refusals(stage, "message_too_slow")
    created = stage.create()
    raw = attach(created)
    started = time.monotonic()
    raw.socket.sendall(LARGE[:1_000])
    assert raw.closed() == (4408, "message_too_slow")
    # By its pace, long before its whole time is over.
    assert time.monotonic() - started < MESSAGE_SECONDS
    is_noted(stage, created, "message_too_slow", before)


def test_a_client_that_sends_on_reads_why_it_was_cut(stage: Stage) -> None:
    before = refusals(stage, "messages_too_large_together")
    created = stage.create()
    raw = attach(created)
    raw.socket.sendall(LARGE)  # more than all may have
    assert raw.closed() == (4408, "messages_too_large_together")
    is_noted(stage, created, "messages_too_large_together", before)


def test_one_that_comes_by_and_by_within_its_time_is_served(stage: Stage) -> None:
    before = refusals(stage, "message_too_slow")
    raw = attach(stage.create())
    send_slowly(raw, BATCH, len(BATCH) // 10 + 1, FIRST_SECONDS / 8)
    assert b'"frame_ack"' in b"".join(raw.read_frame()[1] for _ in range(2))
    # What is no message under way has no pace.
    time.sleep(1.5 * FIRST_SECONDS)
    raw.send(frame(TEXT, b'{"type":"ping"}'))
    assert json.loads(raw.read_frame()[1]) == {"type": "pong"}
    raw.close()
    assert refusals(stage, "message_too_slow") == before


def test_of_more_than_a_process_holds_the_largest_gives_way(stage: Stage) -> None:
    before = refusals(stage, "messages_too_large_together")
    large, small = stage.create(), stage.create()
    raw, other = attach(large), attach(small)
    raw.socket.sendall(LARGE[:900_000])
    other.socket.sendall(BATCH[:1_000])
    other.socket.sendall(BATCH[1_000:])
    assert b'"frame_ack"' in b"".join(other.read_frame()[1] for _ in range(2))
    other.socket.sendall(LARGE[:200_000])
    assert raw.closed() == (4408, "messages_too_large_together")
    is_noted(stage, large, "messages_too_large_together", before)
    other.close()


def test_whole_messages_that_wait_to_be_served_count_too(stage: Stage) -> None:
    before = refusals(stage, "messages_too_large_together")
    created = stage.create()
    raw = attach(created)
    with locked_row(created):
        raw.send(BATCH, *[frame(TEXT, b'{"type":"ping"}' + b" " * 600_000)] * 2)
        eventually(
            lambda: refusals(stage, "messages_too_large_together") == before + 1, "it is cut off"
        )
    raw.close()
