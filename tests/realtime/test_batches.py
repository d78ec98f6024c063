"""Which frames of a batch are taken, and what any legal frame may do to a session."""

import itertools
import json
from collections.abc import Iterable
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from streaming import SQUAT, batches, wire_frame, wire_frames

from detection import LANDMARK_NAMES, Engine, Landmark, PoseFrame
from detection import compile as compile_movespec
from poses.figure import perform
from realtime.batches import Progress, Taken, take
from realtime.messages import EventBatch, FrameBatch, decode, encode
from sessions_app.events import EventRecord, event_id, present_ts

SPEC = compile_movespec(SQUAT)
SESSION_ID = UUID(int=5)
HOUR_MS = 3_600_000.0
STILL = perform("squat", repetitions=1, fps=10)[0]


def progress() -> Progress:
    return Progress(
        engine=Engine(SPEC),
        longest_ms=HOUR_MS,
        first_ms=None,
        last_ms=None,
        last_frame_seq=0,
        last_batch_seq=0,
        accepted_frames=0,
        events=0,
        checkpoint_number=0,
    )


def at(timestamp_ms: float, seq: int) -> dict[str, Any]:
    return wire_frame(STILL, seq, timestamp_ms=timestamp_ms)


def take_frames(into: Progress, frames: list[Any], batch_seq: int = 1) -> Taken:
    text = json.dumps({"type": "frame_batch", "batch_seq": batch_seq, "frames": frames})
    batch = decode(text)
    assert isinstance(batch, FrameBatch)
    return take(into, batch)


@pytest.mark.parametrize(
    ("frames", "rejected"),
    [
        ([at(0, 1), at(0.001, 2), at(HOUR_MS, 3)], []),
        ([at(100, 1), at(100, 2), at(99, 3), at(100.5, 4)], [1, 2]),
        ([at(-500, 1), at(HOUR_MS - 500, 2), at(HOUR_MS - 499.9, 3)], [2]),
        ([at(10, 1), at(HOUR_MS + 11, 2), at(20, 3)], [1]),
        ([at(0, 5), at(1, 5), at(2, 4), at(3, 900), at(4, 2**53)], [1, 2]),
        ([at(0, 2**53), at(1, 2**53), at(2, 1)], [1, 2]),
        ([None, at(0, 1), {}, at(-1, 2), at(1, 2)], [0, 2, 3]),
        ([at(-1e308, 1), at(1e308, 2), at(0, 3)], [1, 2]),
    ],
)
def test_only_frames_that_follow_the_last_taken_one_are_taken(
    frames: list[Any], rejected: list[int]
) -> None:
    taken = take_frames(progress(), frames)
    assert taken.rejected_indexes == rejected
    assert taken.accepted == len(frames) - len(rejected)


def test_a_frame_that_is_rejected_moves_nothing() -> None:
    session = progress()
    take_frames(session, [at(100, 10)])
    before = session.engine_state()
    taken = take_frames(
        session, [at(100, 11), at(99, 12), at(200, 10), at(200, 9), at(HOUR_MS + 101, 13), None]
    )
    assert taken.rejected_indexes == [0, 1, 2, 3, 4, 5]
    assert session.engine_state() == before
    assert (session.last_frame_seq, session.accepted_frames, session.last_ms) == (10, 1, 100)
    # Those that an earlier batch may have brought: their events are sent again.
    assert taken.repeated_seqs == [10, 9]


def test_a_seq_repeated_within_its_batch_has_no_events_to_send_again() -> None:
    taken = take_frames(progress(), [at(100, 1), at(101, 1), at(102, 2), at(103, 1)])
    assert (taken.rejected_indexes, taken.repeated_seqs) == ([1, 3], [])


# --- Whatever is legal ----------------------------------------------------------------------

EXTREMES = [0.0, -0.0, 5e-324, 1e-300, 1.0, -1.0, 1e10, 1e154, 1e155, 1.7e308, -1.7e308]
COORDINATES = st.sampled_from(EXTREMES) | st.floats(allow_nan=False, allow_infinity=False)
LANDMARK = st.builds(
    Landmark, COORDINATES, COORDINATES, COORDINATES, st.none() | st.floats(0, 1)
)  # fmt: skip


def records(taken: Taken) -> list[EventRecord]:
    return [
        EventRecord(
            event_id=event_id(SESSION_ID, event.sequence),
            session_id=SESSION_ID,
            ts_ms=present_ts(event.ts_ms),
            type=event.type,  # type: ignore[arg-type]
            payload=event.payload,
        )
        for event in taken.events
    ]


def can_be_told_and_stored(session: Progress, taken: Taken) -> None:
    state = session.engine_state()
    assert len(state) < 4096
    restored = Engine.restore(SPEC, json.loads(state)["engine"])
    assert restored.snapshot() == session.engine.snapshot()
    for told in json.loads(encode(EventBatch(1, records(taken))))["events"]:
        for share in ("confidence", "score"):
            assert 0 <= (told["payload"].get(share) or 0) <= 1


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=6),
    st.lists(st.lists(LANDMARK, min_size=3, max_size=3), min_size=6, max_size=6),
)
def test_the_most_extreme_frames_are_followed_without_a_failure(
    timestamps: list[float], poses: list[list[Landmark]]
) -> None:
    session = progress()
    for seq, (timestamp, pose) in enumerate(zip(timestamps, poses, strict=False), 1):
        landmarks = list(itertools.islice(itertools.cycle(pose), len(LANDMARK_NAMES)))
        taken = take_frames(session, [wire_frame_of(timestamp, landmarks, seq)])
        can_be_told_and_stored(session, taken)


def wire_frame_of(timestamp: float, landmarks: list[Landmark], seq: int) -> dict[str, Any]:
    frame = wire_frame(PoseFrame(timestamp, landmarks), seq)
    for told, landmark in zip(frame["landmarks"], landmarks, strict=True):
        told["visibility"] = landmark.visibility
    return frame


@pytest.mark.parametrize("start_ms", [-1e15, 0, 1.5, 1.7e12, 2.0**53, 1e18])
def test_the_clock_of_a_client_may_start_anywhere(start_ms: float) -> None:
    frames = perform("squat", repetitions=2, fps=10)
    moved: Iterable[PoseFrame] = (
        # Where floats are sparse, frames are farther apart than they were.
        frame._replace(timestamp_ms=start_ms + frame.timestamp_ms * 1.28)
        for frame in frames
    )
    session = progress()
    told = []
    for batch in batches(wire_frames(moved), 15):
        taken = take_frames(session, batch)
        can_be_told_and_stored(session, taken)
        told += [event.type for event in taken.events]
    assert told.count("event_completed") == 2
