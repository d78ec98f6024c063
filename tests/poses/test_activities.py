"""What the figure does besides exercising."""

import pytest
from poses_scene import degrees

from dev.poses.figure import ACTIVITIES, Camera, act

STILL = Camera(fps=20, noise_m=0)
by_activity = pytest.mark.parametrize("activity", ACTIVITIES)


def angles(activity: str, side: str, joint: str, seconds: float = 60) -> list[float]:
    frames = act(activity, seconds=seconds, camera=STILL)
    return [degrees(tuple(frame.landmarks), side, joint) for frame in frames]


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
