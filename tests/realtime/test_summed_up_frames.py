"""The summary of what a session's frames showed: bounded, and the same however they are batched."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from streaming import wire_frame
from test_accepted_frames import at, attached_again, progress, take_frames

from dev.poses.figure import perform
from realtime.progress import Progress

FRAMES = [
    wire_frame(frame, seq)
    for seq, frame in enumerate(perform("squat", repetitions=2, fps=10), start=1)
]


def summary(session: Progress) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(json.dumps(session.summary.state()))
    return found


def test_a_squat_is_summed_up() -> None:
    session = progress()
    take_frames(session, FRAMES)
    found = summary(session)
    assert found["usable"] == found["frames"] == session.accepted_frames == len(FRAMES)
    assert found["intervals"] == len(FRAMES) - 1
    assert found["active_ms"] == FRAMES[-1]["timestamp_ms"] - FRAMES[0]["timestamp_ms"]
    ((least, most),) = found["ranges"]
    assert least < 100
    assert most > 165
    assert found["steps"] == 2
    assert found["rejected"] == {}


def test_a_frame_without_a_usable_pose_says_nothing_of_angles() -> None:
    session = progress()
    hidden = at(100, 1)
    for landmark in hidden["landmarks"]:
        landmark["visibility"] = 0.0
    take_frames(session, [hidden])
    found = summary(session)
    assert (session.accepted_frames, found["usable"], found["ranges"]) == (1, 0, [])


def test_a_long_gap_is_no_active_time() -> None:
    session = progress()
    take_frames(session, [at(0, 1), at(2_000, 2), at(4_001, 3), at(4_101, 4)])
    assert (summary(session)["intervals"], summary(session)["active_ms"]) == (2, 2_100)


def test_rejected_frames_are_counted_by_their_reason() -> None:
    """But those whose numbers an earlier batch had: sent again, or numbered from 1 again."""
    session = progress()
    frames = [at(100, 1), None, at(99, 2), at(100, 3), at(200, 1)]
    take_frames(session, frames)
    rejected = {
        "malformed_frame": 1,
        "timestamp_not_increasing": 2,
        "frame_seq_not_increasing": 1,
    }
    assert summary(session)["rejected"] == rejected
    take_frames(session, [frames[0], frames[4]])
    assert (summary(session)["rejected"], summary(session)["repeated"]) == (rejected, 2)


@pytest.mark.long
@given(st.lists(st.integers(1, len(FRAMES) - 1), unique=True).map(sorted))
def test_it_is_the_same_wherever_it_is_stored_and_restored(cuts: list[int]) -> None:
    whole, parts = progress(), progress()
    take_frames(whole, FRAMES)
    for since, until in zip([0, *cuts], [*cuts, len(FRAMES)], strict=True):
        take_frames(parts, FRAMES[since:until])
        parts = attached_again(parts)
    assert summary(parts) == summary(whole)


@pytest.mark.parametrize(
    "stored", [{}, {"ranges": [[1.0, 2.0], [3.0, 4.0]]}, {"of_newer_code": [1]}]
)
def test_a_state_of_other_code_goes_on(stored: dict[str, Any]) -> None:
    """Without a summary, with ranges of other angles, or with more: it costs no session."""
    session = progress()
    take_frames(session, FRAMES[:10])
    again = attached_again(session, summary=stored)
    take_frames(again, FRAMES[10:])
    assert len(summary(again)["ranges"]) == 1
    assert summary(again)["usable"] == len(FRAMES) - 10
