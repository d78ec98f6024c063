"""Movements of keyframes, well and badly done."""

import math
from dataclasses import replace
from itertools import pairwise

import pytest
from poses_scene import at, degrees

from dev.poses.figure import MOVEMENTS, Movement, Variant, landmarks, mirrored

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


def test_the_other_side_has_left_and_right_exchanged() -> None:
    other = varied(MOVEMENTS["tree-pose"], "other-side")
    assert other.peak == mirrored(MOVEMENTS["tree-pose"].peak)


def test_one_sided_keeps_the_left_side_still() -> None:
    one_sided = varied(SQUAT, "one-sided")
    assert knee(one_sided, 1 + BOTTOM, "left") == pytest.approx(176)
    assert knee(one_sided, 1 + BOTTOM, "right") == pytest.approx(78)
    assert one_sided.peak.left_arm == SQUAT.rest.left_arm
    other = SQUAT.varied(Variant(name="other", still="right"))
    assert knee(other, 1 + BOTTOM, "right") == pytest.approx(176)


def test_the_wrong_view_is_a_quarter_turn_away() -> None:
    assert varied(SQUAT, "wrong-view").turned == 90
    assert varied(MOVEMENTS["lateral-raise"], "wrong-view").turned == 0
    assert varied(replace(SQUAT, turned=270.0), "wrong-view").turned == 0
    assert varied(replace(SQUAT, turned=180.0), "wrong-view").turned == 90


def test_a_variant_of_its_own_puts_postures_in_the_place_of_others() -> None:
    over = varied(SQUAT, "leaning-over")
    assert (over.peak.lean, over.rest) == (75, SQUAT.rest)


def test_a_side_plank_lies_in_a_line_above_its_elbow() -> None:
    pose = landmarks(MOVEMENTS["side-plank"].peak, 90)
    ankles, hips, shoulders = (
        [
            (a + b) / 2
            for a, b in zip(at(pose, f"left_{part}"), at(pose, f"right_{part}"), strict=True)
        ]
        for part in ("ankle", "hip", "shoulder")
    )
    slopes = [math.atan2(b[1] - a[1], b[0] - a[0]) for a, b in ((ankles, hips), (hips, shoulders))]
    assert slopes[0] == pytest.approx(slopes[1], abs=0.05)
    elbow, shoulder = at(pose, "left_elbow"), at(pose, "left_shoulder")
    assert elbow[0] == pytest.approx(shoulder[0], abs=0.01)
    assert elbow[1] > shoulder[1] + 0.28
