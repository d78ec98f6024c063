"""The changes by which recordings are made into what another camera would have seen."""

from statistics import pstdev

import pytest

from detection import Engine, Landmark, PoseFrame
from detection.landmarks import INDEX
from dev.bench.score.engine_runs import catalogue
from dev.poses import variants
from dev.poses.figure import perform

FRAMES = perform("squat", repetitions=4, fps=30, hides=False)
KNEE = INDEX["left_knee"]


@pytest.mark.parametrize(
    "change", variants.CHANGES, ids=lambda made: f"{made.func.__name__} {made.args[0]}"
)
def test_a_clear_movement_is_counted_through_every_change(change: variants.Change) -> None:
    engine = Engine(catalogue()["squat"])
    events = [event for frame in change(FRAMES) for event in engine.feed(frame)]
    assert [event.type for event in events].count("event_completed") == 4


@pytest.mark.parametrize(("fps", "every"), [(10, 3), (15, 2), (30, 1), (60, 1)])
def test_a_lower_frame_rate_leaves_frames_out(fps: float, every: int) -> None:
    assert variants.at_fps(fps, FRAMES) == FRAMES[::every]


def test_a_pace_changes_the_times_alone() -> None:
    slow = variants.at_pace(2, FRAMES)
    assert [frame.timestamp_ms for frame in slow] == [2 * frame.timestamp_ms for frame in FRAMES]
    assert [frame.landmarks for frame in slow] == [frame.landmarks for frame in FRAMES]


def test_noise_is_as_large_as_said() -> None:
    noisy = variants.with_noise(0.02, FRAMES)
    added = [
        (after.x - before.x, after.y - before.y, after.z - before.z)
        for one, other in zip(FRAMES, noisy, strict=True)
        for before, after in zip(one.landmarks, other.landmarks, strict=True)
    ]
    assert [round(pstdev(axis), 3) for axis in zip(*added, strict=True)] == [0.02, 0.02, 0.04]


def test_frames_are_dropped_by_their_share() -> None:
    kept = variants.dropping(0.1, FRAMES)
    assert set(kept) < set(FRAMES)
    assert 0.8 < len(kept) / len(FRAMES) < 0.95


def test_a_hidden_side_is_the_only_one_that_changes() -> None:
    for name, index in INDEX.items():
        before, after = (
            FRAMES[0].landmarks[index],
            variants.hiding("left", FRAMES)[0].landmarks[index],
        )
        assert (after == before) is not name.startswith("left")
        assert (after.visibility or 0) < 0.5 or after == before


def test_a_quarter_turn_shows_depth_as_width() -> None:
    mark = Landmark(0.3, -0.2, variants.DEPTH_EXCESS * 0.1, 1.0)
    (frame,) = variants.turned(90, [PoseFrame(0.0, (mark,))])
    assert frame.landmarks[0] == pytest.approx((0.1, -0.2, -variants.DEPTH_EXCESS * 0.3, 1.0))


def test_a_shallower_movement_keeps_its_share_of_the_way() -> None:
    def way(frames: list[PoseFrame]) -> float:
        return pstdev(frame.landmarks[KNEE].y for frame in frames)

    assert way(variants.shallower(0.5, FRAMES)) / way(FRAMES) == pytest.approx(0.5, abs=0.1)
