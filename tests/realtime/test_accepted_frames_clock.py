"""What the clock of a batch does to a session: the pose is lost by it, and nothing else."""

import json
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from streaming import wire_frame
from test_accepted_frames import (
    HOUR_MS,
    LATE,
    SPEC,
    attached_again,
    progress,
    reasons,
    state_but_summary,
)

from dev.poses.figure import perform
from projects.models import Project
from realtime.messages import FrameBatch, decode
from realtime.progress import Progress, Taken, progress_of, repeated_clock, take
from sessions_app.checkpoints import NewEvent
from sessions_app.events import NO_FRAME
from sessions_app.models import DetectionSession
from sessions_app.stream_state import unpack

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


def tell(session: Progress, clock_ms: float) -> Taken:
    return take(session, batch([], clock_ms))


def midway() -> Progress:
    session = progress()
    assert take(session, batch(MIDWAY)).accepted == len(MIDWAY)
    return session


def at(timestamp_ms: float, seq: int = 900) -> dict[str, Any]:
    return wire_frame(POSES[0], seq, timestamp_ms=timestamp_ms)


def told(taken: Taken) -> list[tuple[str, float]]:
    return [(event.type, event.ts_ms) for event in taken.events]


def test_a_person_who_leaves_is_told_of_when_he_leaves() -> None:
    session = midway()
    before = session.events
    assert told(tell(session, LAST_MS + 1999)) == []
    taken = tell(session, LAST_MS + 2033)
    assert told(taken) == LOST
    assert taken.events[1].payload["reason"] == "pose_lost"
    assert [(event.sequence, event.frame_seq) for event in taken.events] == [
        (before + 1, NO_FRAME),
        (before + 2, NO_FRAME),
    ]
    assert told(tell(session, LAST_MS + 60_000)) == []


def test_the_clock_comes_after_the_frames_of_its_batch() -> None:
    together, apart = progress(), midway()
    taken = take(together, batch(MIDWAY, LAST_MS + 2500))
    alone = tell(apart, LAST_MS + 2500)
    assert told(taken)[-2:] == told(alone) == LOST
    assert together.packed_state() == apart.packed_state()


@pytest.mark.parametrize("clock_ms", [-1e308, 0, LAST_MS, LAST_MS + 1999, HOUR_MS + 0.1, 1e308])
def test_a_clock_that_is_too_early_or_beyond_the_session_loses_nothing(clock_ms: float) -> None:
    session = midway()
    engine = session.engine.snapshot()
    assert told(tell(session, clock_ms)) == []
    assert session.engine.snapshot() == engine
    assert told(tell(session, LAST_MS + 2000)) == LOST


def test_a_clock_before_any_frame_changes_nothing() -> None:
    session = progress()
    state = session.packed_state()
    assert told(tell(session, 1.7e12)) == []
    assert session.packed_state() == state
    take(session, batch(MIDWAY))
    assert told(tell(session, LAST_MS + 2000)) == LOST


def test_frames_after_a_clock_are_taken_unless_they_are_before_what_it_caused() -> None:
    """Of a client whose clock runs ahead of its camera no more is lost than the pose."""
    session = midway()
    assert told(tell(session, LAST_MS + 9000)) == LOST
    state = state_but_summary(session)
    early = take(session, batch([at(LAST_MS + 1), at(LAST_MS + 1999.9)]))
    assert reasons(early) == {0: LATE, 1: LATE}
    assert state_but_summary(session) == state
    frames = [at(LAST_MS + 2000 + 100 * n, 900 + n) for n in range(5)]
    taken = take(session, batch(frames))
    assert (taken.accepted, reasons(taken)) == (5, {})
    assert [ms >= LAST_MS + 2000 for _, ms in told(taken)] == [True]


def test_a_clock_sent_again_loses_nobody_who_came_after_it() -> None:
    session = midway()
    tell(session, LAST_MS + 9000)
    take(session, batch([at(LAST_MS + 3000 + 100 * n, 900 + n) for n in range(5)]))
    for clock_ms in (LAST_MS + 9000, LAST_MS + 6000):
        assert told(tell(session, clock_ms)) == []
    assert told(tell(session, LAST_MS + 9001))[0][1] == LAST_MS + 3400 + 2000


def test_a_clock_sent_again_has_its_events_to_send_again() -> None:
    session = midway()
    assert tell(session, LAST_MS + 1000).repeated_clock_ms is None
    assert tell(session, LAST_MS + 1000).repeated_clock_ms is None  # there are none yet
    assert tell(session, LAST_MS + 2000).repeated_clock_ms is None
    assert tell(session, LAST_MS + 2000).repeated_clock_ms == LAST_MS + 2000
    assert repeated_clock(session, batch([], LAST_MS + 2000)) == LAST_MS + 2000
    assert repeated_clock(session, batch([], LAST_MS + 2001)) is None
    assert repeated_clock(session, batch([])) is None


def test_who_attaches_again_goes_on_with_the_clock() -> None:
    session = midway()
    tell(session, LAST_MS + 2000)
    again = attached_again(session)
    assert again.packed_state() == session.packed_state()
    assert reasons(take(again, batch([at(LAST_MS + 1000)]))) == {0: LATE}
    taken = tell(again, LAST_MS + 2000)
    assert (told(taken), taken.repeated_clock_ms) == ([], LAST_MS + 2000)


def test_a_state_that_was_stored_without_a_clock_goes_on() -> None:
    session = midway()
    state = unpack(session.packed_state())
    assert (state.pop("clock_ms"), state.pop("lost_ms")) == (None, None)
    row = DetectionSession(
        project=Project(), engine_state=state, last_frame_seq=26, accepted_frames_total=26
    )
    assert told(tell(progress_of(row, SPEC), LAST_MS + 2000)) == LOST


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
            found += take(session, sent).events
            frames = []
            if is_batched and chance.random() < 0.5:
                session = attached_again(session)
            if is_batched and chance.random() < 0.5:
                assert take(session, sent).events == []
        found += take(session, batch(frames)).events
        return found, state_but_summary(session)

    at_once, batched = events(is_batched=False), events(is_batched=True)
    assert at_once == batched
    times = [event.ts_ms for event in at_once[0]]
    assert times == sorted(times)
