"""What the figure does besides exercising."""

import math
from itertools import pairwise

import pytest
from poses_scene import at, degrees

from dev.poses.figure import ACTIVITIES, Camera, act

STILL = Camera(fps=20, noise_m=0)
by_activity = pytest.mark.parametrize("activity", ACTIVITIES)


def angles(activity: str, side: str, joint: str, seconds: float = 60) -> list[float]:
    frames = act(activity, seconds=seconds, camera=STILL)
    return [degrees(tuple(frame.landmarks), side, joint) for frame in frames]


@by_activity
def test_it_lasts_as_long_as_told(activity: str) -> None:
    frames = act(activity, seconds=10, camera=STILL)
    assert [frame.timestamp_ms for frame in frames] == [n * 50 for n in range(10 * 20 + 1)]


@pytest.mark.long
@by_activity
def test_it_goes_on_without_a_jump(activity: str) -> None:
    frames = act(activity, seconds=60, camera=STILL)
    for before, after in pairwise(frames):
        for mark, moved in zip(before.landmarks, after.landmarks, strict=True):
            assert abs(moved.x - mark.x) + abs(moved.y - mark.y) < 0.3


@by_activity
def test_the_same_seed_gives_the_same_and_another_something_else(activity: str) -> None:
    def made(seed: int) -> object:
        return act(activity, seconds=20, camera=Camera(fps=5, noise_m=0, seed=seed))

    assert made(1) == made(1)
    assert made(1) != made(2)


def test_walking_bends_each_knee_in_turn_and_leaves_the_hips_open() -> None:
    left, right = angles("walking", "left", "knee"), angles("walking", "right", "knee")
    assert min(left) < 130
    assert min(right) < 130
    assert all(max(pair) > 140 for pair in zip(left, right, strict=True))
    assert min(angles("walking", "left", "hip")) > 140


def test_who_sits_down_stays_on_the_chair() -> None:
    knees = angles("sitting down", "left", "knee")
    assert min(knees[: 4 * 20]) > 175
    assert max(knees[7 * 20 :]) < 110


def test_drinking_takes_each_hand_to_the_mouth() -> None:
    for side in ("left", "right"):
        frames = act("drinking", seconds=60, camera=STILL)
        poses = [tuple(frame.landmarks) for frame in frames]
        gaps = [math.dist(at(pose, f"{side}_index"), at(pose, f"mouth_{side}")) for pose in poses]
        assert min(gaps) < 0.12
        assert max(gaps) > 0.5


def test_a_shoe_is_tied_on_one_knee_and_bent_over() -> None:
    hips, knees = (angles("tying a shoe", "left", joint) for joint in ("hip", "knee"))
    assert any(hip < 60 and knee < 105 for hip, knee in zip(hips, knees, strict=True))
    assert any(hip < 90 and knee > 140 for hip, knee in zip(hips, knees, strict=True))


def test_stretching_goes_overhead_and_to_the_toes() -> None:
    assert max(angles("stretching", "left", "shoulder")) > 160
    assert min(angles("stretching", "left", "hip")) < 75
    assert min(angles("stretching", "left", "knee")) > 165


def test_an_idle_minute_bends_no_leg_far() -> None:
    for side in ("left", "right"):
        assert min(angles("an idle minute", side, "knee")) > 145
        assert min(angles("an idle minute", side, "hip")) > 150
