"""Movements of keyframes, well and badly done."""

import math
from dataclasses import replace
from itertools import pairwise

import pytest
from poses_scene import degrees

from dev.poses.figure import MOVEMENTS, Movement, Variant, landmarks

SQUAT, LUNGES = MOVEMENTS["squat"], MOVEMENTS["alternating-lunges"]
BOTTOM = 1.2  # seconds after a squat's begin


def still_camera(movement: Movement) -> Movement:
    return replace(movement, noise_m=0.0)


def knee(movement: Movement, second: float, side: str = "left") -> float:
    return degrees(landmarks(movement.posture_at(second, 6)), side, "knee")


def varied(movement: Movement, name: str) -> Movement:
    return movement.varied(movement.variants()[name])


def test_it_is_in_each_posture_at_its_time() -> None:
    for number in (0, 5):
        begin = SQUAT.rest_seconds + number * SQUAT.seconds
        for keyframe in SQUAT.keyframes[:-1]:
            wanted = SQUAT.postures[keyframe.posture]
            found = landmarks(SQUAT.posture_at(begin + keyframe.at, 6))
            for mark, other in zip(found, landmarks(wanted), strict=True):
                assert mark == pytest.approx(other, abs=1e-6)


def test_no_joint_jumps() -> None:
    for name in MOVEMENTS:
        frames = still_camera(MOVEMENTS[name]).film(repetitions=2)
        farthest = max(
            math.dist(mark[:3], moved[:3])
            for before, after in pairwise(frames)
            for mark, moved in zip(before.landmarks, after.landmarks, strict=True)
        )
        assert farthest < 0.25, name


def test_shallow_goes_half_of_the_way() -> None:
    deep, shallow = (knee(one, 1 + BOTTOM) for one in (SQUAT, varied(SQUAT, "shallow")))
    assert deep == pytest.approx(78)
    assert shallow == pytest.approx((176 + 78) / 2)


def test_one_sided_keeps_the_left_side_still() -> None:
    one_sided = varied(SQUAT, "one-sided")
    assert knee(one_sided, 1 + BOTTOM, "left") == pytest.approx(176)
    assert knee(one_sided, 1 + BOTTOM, "right") == pytest.approx(78)
    assert one_sided.peak.left_arm == SQUAT.rest.left_arm
    other = SQUAT.varied(Variant(name="other", still="right"))
    assert knee(other, 1 + BOTTOM, "right") == pytest.approx(176)


def test_a_variant_of_its_own_puts_postures_in_the_place_of_others() -> None:
    over = varied(SQUAT, "leaning-over")
    assert (over.peak.lean, over.rest) == (75, SQUAT.rest)
