"""The summary of what a session's frames showed, and how much of it could be counted."""

import json
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from streaming import wire_frame
from test_accepted_frames import at as frame_at
from test_accepted_frames import attached_again, progress, take_frames

from detection import Engine, PoseFrame, QualityReason, SessionSummary
from detection import compile as compile_movespec
from dev.poses.figure import MOVEMENTS, perform
from realtime.progress import Progress
from sessions_app.summary import DOUBTED_BELOW, Quality, quality_of
from tests.detection.engine_scene import at, bent, hidden, swinging
from tests.documented import PROJECT, block

LEGS = [f"{side}_{name}" for side in ("left", "right") for name in ("hip", "knee", "ankle")]
SQUATS = perform("squat", repetitions=4, fps=20)
# Two dips among deep squats are no repetitions.
DIPS = at(swinging((175, 90, 175, 143, 175, 143) * 5, stay_ms=300))


def wired(frames: Sequence[PoseFrame]) -> list[dict[str, Any]]:
    sent = [wire_frame(frame, seq) for seq, frame in enumerate(frames, start=1)]
    for wire, frame in zip(sent, frames, strict=True):
        for point, landmark in zip(wire["landmarks"], frame.landmarks, strict=True):
            point["visibility"] = landmark.visibility
    return sent


def streamed(frames: Sequence[PoseFrame]) -> Progress:
    session = progress()
    sent = wired(frames)
    for first in range(0, len(sent), 100):
        take_frames(session, sent[first : first + 100])
    return session


def summary(session: Progress) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(json.dumps(session.intake.summary.state()))
    return found


def quality(session: Progress) -> Quality | None:
    return quality_of(summary(session))


STANDING = [bent(175)] * 30
JUMPING = [*STANDING, *[bent(175, 60, 60), bent(60, 175, -60)] * 20, *STANDING]


@pytest.mark.parametrize(
    ("frames", "low", "high", "reason"),
    [
        (SQUATS, 1.0, 1.0, None),
        (DIPS, 0.0, DOUBTED_BELOW, QualityReason.INCOMPLETE_MOVEMENTS),
        (
            [frame for frame in SQUATS if frame.timestamp_ms % 4000 < 2500],
            0.0,
            0.9,
            QualityReason.POSE_LOST,
        ),
        (at([*STANDING, *[hidden(bent(175), *LEGS)] * 30]), 0.48, 0.52, QualityReason.SIDE_HIDDEN),
        (at(JUMPING), 0.0, DOUBTED_BELOW, QualityReason.POSE_JUMPING),
    ],
)
def test_the_countable_share_and_why_it_is_low(
    frames: Sequence[PoseFrame], low: float, high: float, reason: QualityReason | None
) -> None:
    found = quality(streamed(frames))
    assert found is not None
    assert low <= found.countable_share <= high
    assert reason in (found.reasons or [None])


def of(text: str, frames: Sequence[PoseFrame]) -> Quality:
    """The quality of the frames of a MoveSpec that is not the squat."""
    engine, last_ms = Engine(compile_movespec(text)), None
    summary = SessionSummary(engine)
    for frame in frames:
        since_ms = None if last_ms is None else frame.timestamp_ms - last_ms
        summary.accept(since_ms, engine.feed(frame))
        last_ms = frame.timestamp_ms
    found = quality_of(summary.state())
    assert found is not None
    return found


def test_countable_is_what_was_seen_times_what_was_completed() -> None:
    found = quality(streamed([frame for frame in DIPS if frame.timestamp_ms % 4000 < 3000]))
    assert found is not None
    assert 0.0 < found.seen_share < 1.0
    assert 0.0 < found.completed_share < 1.0
    product = found.seen_share * found.completed_share
    assert found.countable_share == pytest.approx(product, abs=0.011)


def test_a_wrong_view_in_which_nothing_counts_was_not_seen() -> None:
    movement = MOVEMENTS["plank"]
    text = (PROJECT / "examples" / "movespecs" / "plank.yaml").read_text()
    turned = of(text, movement.varied(movement.variants()["wrong-view"]).film())
    assert turned.seen_share < 0.2
    assert turned.countable_share < DOUBTED_BELOW
    assert turned.reasons == [QualityReason.OUT_OF_VIEW]
    assert of(text, movement.film()) == Quality(1.0, 1.0, 1.0, [])


@pytest.mark.parametrize("frames", [[], SQUATS[:1]])
def test_without_time_nothing_is_known(frames: list[PoseFrame]) -> None:
    assert quality(streamed(frames)) is None


def test_the_page_has_a_quality_as_it_is_sent_and_every_reason() -> None:
    shown = block("docs/api.md", '{"quality"').text
    quality = msgspec.json.decode(shown, type=dict[str, Quality])["quality"]
    assert json.loads(shown)["quality"] == msgspec.to_builtins(quality)
    page = (PROJECT / "docs" / "api.md").read_text()
    assert [reason for reason in QualityReason if f"| {reason.value} |" not in page] == []
    assert f"Below {DOUBTED_BELOW} of `countable_share` doubt" in page


SUMMED_FRAMES = [
    wire_frame(frame, seq)
    for seq, frame in enumerate(perform("squat", repetitions=2, fps=10), start=1)
]


def test_a_squat_is_summed_up() -> None:
    session = progress()
    take_frames(session, SUMMED_FRAMES)
    found = summary(session)
    assert (
        found["usable"] == found["frames"] == session.intake.accepted_frames == len(SUMMED_FRAMES)
    )
    assert found["intervals"] == len(SUMMED_FRAMES) - 1
    first, *_, last = SUMMED_FRAMES
    assert found["active_ms"] == last["timestamp_ms"] - first["timestamp_ms"]
    ((least, most),) = found["ranges"]
    assert least < 100
    assert most > 165
    assert found["steps"] == 2
    assert found["rejected"] == {}


def test_a_frame_without_a_usable_pose_says_nothing_of_angles() -> None:
    session = progress()
    hidden = frame_at(100, 1)
    for landmark in hidden["landmarks"]:
        landmark["visibility"] = 0.0
    take_frames(session, [hidden])
    found = summary(session)
    assert (session.intake.accepted_frames, found["usable"], found["ranges"]) == (1, 0, [])


def test_a_long_gap_is_no_active_time() -> None:
    session = progress()
    take_frames(
        session, [frame_at(0, 1), frame_at(2_000, 2), frame_at(4_001, 3), frame_at(4_101, 4)]
    )
    assert (summary(session)["intervals"], summary(session)["active_ms"]) == (2, 2_100)


def test_rejected_frames_are_counted_by_their_reason() -> None:
    """But those whose numbers an earlier batch had: sent again, or numbered from 1 again."""
    session = progress()
    frames = [frame_at(100, 1), None, frame_at(99, 2), frame_at(100, 3), frame_at(200, 1)]
    take_frames(session, frames)
    rejected = {
        "malformed_frame": 1,
        "timestamp_not_increasing": 2,
        "frame_seq_not_increasing": 1,
    }
    assert summary(session)["rejected"] == rejected
    take_frames(session, [frames[0], frames[4]])
    assert (summary(session)["rejected"], summary(session)["repeated"]) == (rejected, 2)


def test_it_is_the_same_for_any_batching_and_wherever_it_is_stored() -> None:
    start_ms = SQUATS[-1].timestamp_ms + 50
    dips = [PoseFrame(frame.timestamp_ms + start_ms, frame.landmarks) for frame in DIPS]
    frames = wired([one for one in (*SQUATS, *dips) if one.timestamp_ms % 4000 < 3000])[:200]
    whole = progress()
    take_frames(whole, frames)

    @settings(max_examples=settings.default.max_examples // 10)
    @given(st.lists(st.integers(1, 199), unique=True, max_size=6).map(sorted))
    def is_the_same(cuts: list[int]) -> None:
        parts = progress()
        for since, until in zip([0, *cuts], [*cuts, len(frames)], strict=True):
            take_frames(parts, frames[since:until])
            parts = attached_again(parts)
        assert summary(parts) == summary(whole)

    is_the_same()


@pytest.mark.parametrize(
    "stored", [{}, {"ranges": [[1.0, 2.0], [3.0, 4.0]]}, {"of_newer_code": [1]}]
)
def test_a_state_of_other_code_goes_on(stored: dict[str, Any]) -> None:
    """Without a summary, with ranges of other angles, or with more: it costs no session."""
    session = progress()
    take_frames(session, SUMMED_FRAMES[:10])
    again = attached_again(session, summary=stored)
    take_frames(again, SUMMED_FRAMES[10:])
    assert len(summary(again)["ranges"]) == 1
    assert summary(again)["usable"] == len(SUMMED_FRAMES) - 10
