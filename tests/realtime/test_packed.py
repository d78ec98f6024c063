"""Batches of `kyna.v2`, as bytes: they are as those of `kyna.v1`, and bad bytes harm nothing."""

import json
import math
import os
import random
import struct
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clients.python.wire import FrameBatch, encode, packed, wire_frame
from detection import DetectionEvent, Engine, Intake, Landmark, MoveSpec, PoseFrame
from detection import compile as compile_movespec
from dev.bench.score.engine_runs import catalogue
from dev.bench.score.samples import load_samples
from dev.poses.figure import perform
from kynaplatform.api.errors import ApiError
from realtime import messages
from realtime.frames import FRAME, PackedFrame, Rejection
from realtime.messages import HEADER, decode_packed
from realtime.progress import EventBucket, Progress, feed_batch
from realtime.refusals import BatchTooLarge, MessageInvalid
from tests.long_runs import one_in
from tests.realtime.streaming import SQUAT

SPEC = compile_movespec(SQUAT)
POSES = perform("squat", repetitions=2, fps=15)
FRAMES = [wire_frame(pose, number) for number, pose in enumerate(POSES, 1)]
BATCH = packed(FrameBatch(1, FRAMES[:3], 90.5))
FIRST = HEADER.size
LANDMARKS, VISIBILITIES, CONFIDENCE = FIRST + 16, FIRST + 16 + 198, FIRST + 247


def progress(spec: MoveSpec = SPEC) -> Progress:
    return Progress(intake=Intake(Engine(spec), 3_600_000.0), event_bucket=EventBucket(20_000))


def with_bytes(at: int, changed: bytes) -> bytes:
    return BATCH[:at] + changed + BATCH[at + len(changed) :]


def text_of(batch: FrameBatch) -> messages.Batch:
    """The batch as `kyna.v1` brings it."""
    decoded = messages.decode(encode(batch))
    assert isinstance(decoded, messages.FrameBatch)
    return decoded


def test_a_batch_is_that_of_the_text() -> None:
    batch = decode_packed(BATCH)
    text = text_of(FrameBatch(1, FRAMES[:3], 90.5))
    assert (batch.batch_seq, batch.clock_ms) == (text.batch_seq, text.clock_ms) == (1, 90.5)
    assert [numbers(frame) for frame in batch.frames] == [numbers(frame) for frame in text.frames]
    empty = decode_packed(packed(FrameBatch(2**53, [], 0.0)))
    assert (empty.batch_seq, empty.frames, empty.clock_ms) == (2**53, [], 0.0)
    assert decode_packed(packed(FrameBatch(7, [], None))).clock_ms is None


def numbers(frame: Any) -> Any:
    """All that the engine reads of a frame."""
    pose = frame.landmarks
    if isinstance(frame, PackedFrame):
        points = [
            (*(pose.coordinate(3 * n + axis) for axis in range(3)), pose.visibility(n))
            for n in range(33)
        ]
    else:
        points = [
            (one.x, one.y, one.z, 1.0 if one.visibility is None else one.visibility) for one in pose
        ]
    return frame.frame_seq, frame.timestamp_ms, points


METRES = st.floats(-40, 40) | st.floats(-0.5, 0.5)
SHARES = st.none() | st.floats(0, 1)


@given(st.lists(st.tuples(METRES, METRES, METRES, SHARES), min_size=33, max_size=33))
def test_a_pose_has_the_same_numbers_by_either_protocol(points: list[Any]) -> None:
    frame = wire_frame(PoseFrame(40.25, [Landmark(*point) for point in points]), 2**53)
    [of_bytes] = decode_packed(packed(FrameBatch(1, [frame]))).frames
    [of_text] = text_of(FrameBatch(1, [frame])).frames
    if isinstance(of_text, Rejection):
        assert of_bytes == of_text
    else:
        assert numbers(of_bytes) == numbers(of_text)


@pytest.mark.parametrize(
    ("data", "refusal"),
    [
        (b"", MessageInvalid),
        (BATCH[:23], MessageInvalid),
        (BATCH[:-1], MessageInvalid),
        (BATCH + b"\0", MessageInvalid),
        (with_bytes(0, b"\0"), MessageInvalid),
        (with_bytes(0, b"\2"), MessageInvalid),
        (with_bytes(1, b"\2"), MessageInvalid),
        (with_bytes(4, b"\1"), MessageInvalid),
        (with_bytes(7, b"\1"), MessageInvalid),
        (with_bytes(8, bytes(8)), MessageInvalid),
        (with_bytes(8, struct.pack("<Q", 2**53 + 1)), MessageInvalid),
        (with_bytes(16, struct.pack("<d", math.nan)), MessageInvalid),
        (with_bytes(16, struct.pack("<d", -math.inf)), MessageInvalid),
        (with_bytes(1, b"\0"), MessageInvalid),  # a clock without its flag
        (HEADER.pack(1, 0, 301, 0, 1, 0.0) + bytes(301 * FRAME.size), BatchTooLarge),
        (HEADER.pack(1, 0, 301, 0, 1, 0.0), BatchTooLarge),
    ],
)
def test_bad_bytes_are_refused(data: bytes, refusal: type[ApiError]) -> None:
    with pytest.raises(refusal):
        decode_packed(data)


@pytest.mark.parametrize(
    ("at", "changed", "reason", "detail"),
    [
        (FIRST, bytes(8), "malformed_frame", "frame_seq"),
        (FIRST, struct.pack("<Q", 2**53 + 1), "malformed_frame", "frame_seq"),
        (FIRST + 8, struct.pack("<d", math.inf), "malformed_frame", "timestamp_ms"),
        (FIRST + 8, struct.pack("<d", math.nan), "malformed_frame", "timestamp_ms"),
        (CONFIDENCE, b"\xfb", "malformed_frame", "confidence"),
        (LANDMARKS, b"\x00\x80", "invalid_landmarks", "nose"),
        (LANDMARKS + 196, b"\x00\x80", "invalid_landmarks", "right_foot_index"),
        (VISIBILITIES, b"\xfb", "invalid_landmarks", "visibility"),
        (VISIBILITIES + 32, b"\xfe", "invalid_landmarks", "visibility"),
        (LANDMARKS + 6 * 23, struct.pack("<hhhh", 400, 0, 0, 400), "image_landmarks", "0.4"),
    ],
)
def test_a_fault_inside_a_frame_rejects_that_frame_alone(
    at: int, changed: bytes, reason: str, detail: str
) -> None:
    result = feed_batch(progress(), decode_packed(with_bytes(at, changed)))
    [rejected] = result.rejected
    assert (rejected.index, rejected.reason, result.accepted) == (0, reason, 2)
    assert detail in (rejected.detail or "")


def test_a_number_is_one_that_only_seems_to_lack() -> None:
    """0x80 in the upper byte of one number and 0x00 in the lower of the next, or far away."""
    for steps in ((0x0080, 0x0000), (-0x7FFF, 0x0080), (-0x8000 + 0x80, 0)):
        frame = decode_packed(with_bytes(LANDMARKS, struct.pack("<hh", *steps))).frames[0]
        assert isinstance(frame, PackedFrame)
    for visibility in (0, 250, 255):
        frame = decode_packed(with_bytes(VISIBILITIES, bytes([visibility]))).frames[0]
        assert isinstance(frame, PackedFrame)


# --- Fuzz -----------------------------------------------------------------------------------


@given(st.binary(max_size=600))
def test_any_bytes_are_a_batch_or_refused(data: bytes) -> None:
    with suppress(MessageInvalid, BatchTooLarge):
        decode_packed(data)


@given(st.integers(0, 300), st.randoms(use_true_random=False))
def test_whatever_a_batch_of_the_right_length_has_raises_nothing(
    changes: int, chance: random.Random
) -> None:
    data = bytearray(BATCH)
    for _ in range(changes):
        data[chance.randrange(16, len(data))] = chance.randrange(256)
    session = progress()
    try:
        batch = decode_packed(bytes(data))
    except MessageInvalid:
        return
    result = feed_batch(session, batch)
    assert result.accepted + len(result.rejected) == 3
    json.loads(json.dumps(msgspec.to_builtins(result.events)))
    session.packed_state()


# --- People ---------------------------------------------------------------------------------


def events_of(
    spec: MoveSpec, batches: Sequence[messages.Batch]
) -> tuple[list[Any], dict[str, Any]]:
    session, found = progress(spec), list[Any]()
    for batch in batches:
        found += feed_batch(session, batch).events
    return found, session.engine.snapshot()


def completions(engine: Engine, frames: Sequence[PoseFrame]) -> int:
    events: list[DetectionEvent] = [event for frame in frames for event in engine.feed(frame)]
    return sum(event.type == "event_completed" for event in events)


@pytest.mark.skipif(
    not os.environ.get("RECORDINGS_DIR"), reason="RECORDINGS_DIR names no folder of recordings"
)
@one_in(5)
def test_people_cause_equal_events_by_either_protocol(every: int) -> None:
    """Rounding to millimetres moves a count by one at most, of three recordings of 130."""
    within_one = {"exact": 0, "rounded": 0}
    moved = 0
    for sample in load_samples(Path(os.environ["RECORDINGS_DIR"]))[::every]:
        if (spec := catalogue().get(sample.exercise)) is None:
            continue
        frames = [wire_frame(frame, seq) for seq, frame in enumerate(sample.frames, 1)]
        batches = [
            FrameBatch(number, frames[at : at + 30])
            for number, at in enumerate(range(0, len(frames), 30), 1)
        ]
        of_bytes = events_of(spec, [decode_packed(packed(batch)) for batch in batches])
        of_text = events_of(spec, [text_of(batch) for batch in batches])
        assert of_bytes == of_text, sample.name
        rounded = sum(event.type == "event_completed" for event in of_bytes[0])
        exact = completions(Engine(spec), sample.frames)
        assert abs(exact - rounded) <= 1
        moved += exact != rounded
        within_one["exact"] += abs(exact - sample.count) <= 1
        within_one["rounded"] += abs(rounded - sample.count) <= 1
    assert within_one["rounded"] == within_one["exact"] > 0
    assert moved <= 3
