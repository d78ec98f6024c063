"""Which frames and clocks of a batch are taken, and what any legal one may do to a session."""

import json
import random
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from streaming import SQUAT, batches, wire_frame, wire_frames

from detection import Engine, Intake, PoseFrame
from detection import compile as compile_movespec
from dev.poses.figure import perform
from projects.models import Project
from realtime.messages import FrameBatch, decode
from realtime.progress import (
    BatchResult,
    EventBucket,
    Progress,
    feed_batch,
    progress_of,
)
from sessions_app.checkpoints import NewEvent
from sessions_app.models import DetectionSession
from sessions_app.stream_state import pack, unpack

SPEC = compile_movespec(SQUAT)
HOUR_MS = 3_600_000.0
STILL = perform("squat", repetitions=1, fps=10)[0]


def progress() -> Progress:
    return Progress(intake=Intake(Engine(SPEC), HOUR_MS), event_bucket=EventBucket(20_000))


def at(timestamp_ms: float, seq: int = 900) -> dict[str, Any]:
    return wire_frame(STILL, seq, timestamp_ms=timestamp_ms)


def take_frames(into: Progress, frames: list[Any], batch_seq: int = 1) -> BatchResult:
    text = json.dumps({"type": "frame_batch", "batch_seq": batch_seq, "frames": frames})
    batch = decode(text)
    assert isinstance(batch, FrameBatch)
    return feed_batch(into, batch)


SEQ, LATE, BEYOND = (
    "frame_seq_not_increasing",
    "timestamp_not_increasing",
    "timestamp_beyond_session",
)
MALFORMED, TOO_MANY = "malformed_frame", "too_many_frames"


def reasons(taken: BatchResult) -> dict[int, str]:
    return {frame.index: frame.reason.value for frame in taken.rejected}


@pytest.mark.parametrize(
    ("frames", "rejected"),
    [
        ([at(0, 1), at(0.001, 2), at(HOUR_MS, 3)], {}),
        ([at(100, 1), at(100, 2), at(99, 3), at(100.5, 4)], {1: LATE, 2: LATE}),
        ([at(-500, 1), at(HOUR_MS - 500, 2), at(HOUR_MS - 499.9, 3)], {2: BEYOND}),
        ([at(10, 1), at(HOUR_MS + 11, 2), at(20, 3)], {1: BEYOND}),
        ([at(0, 5), at(1, 5), at(2, 4), at(3, 900), at(4, 2**53)], {1: SEQ, 2: SEQ}),
        ([at(0, 2**53), at(1, 2**53), at(2, 1)], {1: SEQ, 2: SEQ}),
        ([at(5, 2), at(4, 1)], {1: SEQ}),
        ([None, at(0, 1), {}, at(-1, 2), at(1, 2)], {0: MALFORMED, 2: MALFORMED, 3: LATE}),
        ([at(-1e308, 1), at(1e308, 2), at(0, 3)], {1: BEYOND, 2: BEYOND}),
    ],
)
def test_only_frames_that_follow_the_last_taken_one_are_taken(
    frames: list[Any], rejected: dict[int, str]
) -> None:
    taken = take_frames(progress(), frames)
    assert reasons(taken) == rejected
    assert taken.accepted == len(frames) - len(rejected)


def state_but_summary(session: Progress) -> dict[str, Any]:
    """A rejected frame moves nothing else."""
    state = unpack(session.packed_state())
    del state["summary"]
    return state


def test_a_frame_that_is_rejected_moves_nothing() -> None:
    session = progress()
    take_frames(session, [at(100, 10)])
    before = state_but_summary(session)
    taken = take_frames(
        session, [at(100, 11), at(99, 12), at(200, 10), at(200, 9), at(HOUR_MS + 101, 13), None]
    )
    assert list(reasons(taken)) == [0, 1, 2, 3, 4, 5]
    assert state_but_summary(session) == before
    assert (
        session.intake.last_frame_seq,
        session.intake.accepted_frames,
        session.intake.last_ms,
    ) == (10, 1, 100)
    # Those that an earlier batch may have brought: their events are sent again.
    assert taken.repeated_seqs == [10, 9]


def test_a_seq_repeated_within_its_batch_has_no_events_to_send_again() -> None:
    taken = take_frames(progress(), [at(100, 1), at(101, 1), at(102, 2), at(103, 1)])
    assert (reasons(taken), taken.repeated_seqs) == ({1: SEQ, 3: SEQ}, [])


# --- The bucket -----------------------------------------------------------------------------


def attached_again(
    session: Progress, summary: dict[str, Any] | None = None, **changed: Any
) -> Progress:
    """As another runtime goes on from what is stored, or from what other code has stored."""
    if summary is not None:
        changed["summary"] = summary
    row = DetectionSession(
        project=Project(),
        packed_state=pack(unpack(session.packed_state()) | changed),
        last_frame_seq=session.intake.last_frame_seq,
        last_batch_seq=session.last_batch_seq,
        accepted_frames_total=session.intake.accepted_frames,
        events_total=session.events,
        checkpoint_number=session.checkpoint_number,
    )
    return progress_of(row, SPEC)


def every(ms: float, count: int, start_ms: float = 0) -> list[dict[str, Any]]:
    return [at(start_ms + number * ms, number + 1) for number in range(count)]


def take_all(session: Progress, frames: list[dict[str, Any]], size: int = 100) -> list[int]:
    """Which were taken, by their frame_seq; all others were too many."""
    accepted: list[int] = []
    for batch in batches(frames, size):
        rejected = reasons(take_frames(session, batch))
        assert set(rejected.values()) <= {TOO_MANY}
        accepted += [one["frame_seq"] for n, one in enumerate(batch) if n not in rejected]
    assert session.intake.accepted_frames == len(accepted)
    assert session.intake.last_frame_seq == accepted[-1]
    return accepted


@pytest.mark.parametrize(
    ("ms", "count", "accepted"),
    [
        (1000 / 30, 1000, 1000),
        (1000 / 240, 2000, 2000),
        # A thousand frames of a microsecond each: none of them brings one back.
        (0.001, 1000, 240),
        # In a second, those of the bucket and of the second.
        (1, 1000, 240 + 239),
        (2, 1000, 240 + 479),
    ],
)
def test_240_frames_and_240_more_for_each_second_of_their_time_are_taken(
    ms: float, count: int, accepted: int
) -> None:
    assert len(take_all(progress(), every(ms, count))) == accepted


def test_the_limits_that_staff_gave_a_project_are_those_of_its_sessions() -> None:
    project = Project(session_seconds=10, session_events=3)
    session = progress_of(DetectionSession(project=project), SPEC)
    poses = perform("squat", repetitions=2, fps=10)
    frames = [wire_frame(pose, seq) for seq, pose in enumerate(poses, 1)]
    taken = take_frames(session, [*frames, at(frames[0]["timestamp_ms"] + 10_001, 900)])
    assert reasons(taken) == {len(frames): BEYOND}
    kinds = [event.type for event in taken.events]
    # After three only outcomes are kept.
    assert kinds[3:] == ["event_completed", "event_completed"]


def test_another_attach_goes_on_with_the_bucket() -> None:
    session = progress()
    burst = every(0.001, 300)
    take_all(session, burst[:200])
    assert take_frames(attached_again(session), burst[200:]).accepted == 40


@pytest.mark.parametrize("start_ms", [-1e15, 1.7e12, 1e18])
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
        session = attached_again(session)
        told += [event.type for event in taken.events]
    assert told.count("event_completed") == 2


# --- Clocks -------------------------------------------------------------------------------

POSES = perform("squat", repetitions=1, fps=10)
# Until somebody is down, midway through a repetition.
MIDWAY = [wire_frame(pose, seq) for seq, pose in enumerate(POSES[:26], 1)]
LAST_MS = MIDWAY[-1]["timestamp_ms"]
LOST = [("shape_exit", LAST_MS + 2000), ("event_interrupted", LAST_MS + 2000)]


def batch(frames: list[Any], clock_ms: float | None = None, batch_seq: int = 1) -> FrameBatch:
    message = {"type": "frame_batch", "batch_seq": batch_seq, "frames": frames}
    if clock_ms is not None:
        message["clock_ms"] = clock_ms
    decoded = decode(json.dumps(message))
    assert isinstance(decoded, FrameBatch)
    return decoded


def tell(session: Progress, clock_ms: float) -> BatchResult:
    return feed_batch(session, batch([], clock_ms))


def midway() -> Progress:
    session = progress()
    assert feed_batch(session, batch(MIDWAY)).accepted == len(MIDWAY)
    return session


def told(taken: BatchResult) -> list[tuple[str, float]]:
    return [(event.type, event.ts_ms) for event in taken.events]


def test_the_clock_comes_after_the_frames_of_its_batch() -> None:
    together, apart = progress(), midway()
    taken = feed_batch(together, batch(MIDWAY, LAST_MS + 2500))
    alone = tell(apart, LAST_MS + 2500)
    assert told(taken)[-2:] == told(alone) == LOST
    assert together.packed_state() == apart.packed_state()


@pytest.mark.parametrize("clock_ms", [-1e308, LAST_MS + 1999, HOUR_MS + 0.1])
def test_a_clock_that_is_too_early_or_beyond_the_session_loses_nothing(clock_ms: float) -> None:
    session = midway()
    engine = session.engine.snapshot()
    assert told(tell(session, clock_ms)) == []
    assert session.engine.snapshot() == engine
    assert told(tell(session, LAST_MS + 2000)) == LOST


def test_frames_after_a_clock_are_taken_unless_they_are_before_what_it_caused() -> None:
    """Of a client whose clock runs ahead of its camera no more is lost than the pose."""
    session = midway()
    assert told(tell(session, LAST_MS + 9000)) == LOST
    state = state_but_summary(session)
    early = feed_batch(session, batch([at(LAST_MS + 1), at(LAST_MS + 1999.9)]))
    assert reasons(early) == {0: LATE, 1: LATE}
    assert state_but_summary(session) == state
    frames = [at(LAST_MS + 2000 + 100 * n, 900 + n) for n in range(5)]
    taken = feed_batch(session, batch(frames))
    assert (taken.accepted, reasons(taken)) == (5, {})
    assert [ms >= LAST_MS + 2000 for _, ms in told(taken)] == [True]


def test_a_clock_sent_again_loses_nobody_who_came_after_it() -> None:
    session = midway()
    tell(session, LAST_MS + 9000)
    feed_batch(session, batch([at(LAST_MS + 3000 + 100 * n, 900 + n) for n in range(5)]))
    for clock_ms in (LAST_MS + 9000, LAST_MS + 6000):
        assert told(tell(session, clock_ms)) == []
    assert told(tell(session, LAST_MS + 9001))[0][1] == LAST_MS + 3400 + 2000


def test_a_clock_sent_again_has_its_events_to_send_again() -> None:
    session = midway()
    assert tell(session, LAST_MS + 1000).repeated_clock_ms is None
    assert tell(session, LAST_MS + 1000).repeated_clock_ms is None  # there are none yet
    assert tell(session, LAST_MS + 2000).repeated_clock_ms is None
    assert tell(session, LAST_MS + 2000).repeated_clock_ms == LAST_MS + 2000
    assert BatchResult(session, batch([], LAST_MS + 2000)).repeated_clock_ms == LAST_MS + 2000
    assert BatchResult(session, batch([], LAST_MS + 2001)).repeated_clock_ms is None
    assert BatchResult(session, batch([])).repeated_clock_ms is None


# --- Whatever the batching ------------------------------------------------------------------

GAPS_MS = st.sampled_from([40.0, 100.0, 1500.0, 1999.0, 2000.0, 2040.0, 5000.0])
MOMENTS = st.lists(st.tuples(st.booleans(), GAPS_MS), min_size=1, max_size=40)


@settings(max_examples=settings.default.max_examples // 5)
@given(MOMENTS, st.randoms(use_true_random=False))
def test_the_same_frames_and_clocks_give_the_same_events(
    moments: list[tuple[bool, float]], chance: random.Random
) -> None:
    """However they are batched, where it is attached again, and where batches are sent again."""
    items: list[dict[str, Any] | float] = []
    ms = 0.0
    for is_pose, gap_ms in moments:
        ms += gap_ms
        pose = POSES[len(items) % len(POSES)]
        items.append(wire_frame(pose, len(items) + 1, timestamp_ms=ms) if is_pose else ms)

    def events(is_batched: bool) -> tuple[list[NewEvent], dict[str, Any]]:
        session, found, frames = progress(), list[NewEvent](), list[dict[str, Any]]()
        for item in items:
            if isinstance(item, dict):
                frames.append(item)
                if is_batched and chance.random() < 0.7:
                    continue
            sent = batch(frames, item if isinstance(item, float) else None)
            found += feed_batch(session, sent).events
            frames = []
            if is_batched and chance.random() < 0.5:
                session = attached_again(session)
            if is_batched and chance.random() < 0.5:
                assert feed_batch(session, sent).events == []
        found += feed_batch(session, batch(frames)).events
        return found, state_but_summary(session)

    at_once, batched = events(is_batched=False), events(is_batched=True)
    assert at_once == batched
    times = [event.ts_ms for event in at_once[0]]
    assert times == sorted(times)
