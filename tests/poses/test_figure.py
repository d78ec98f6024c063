"""The figure's body, its exercises, and the camera before which it moves."""

import math

import pytest
from poses_scene import at, degrees

from detection import LANDMARK_NAMES
from dev.poses.figure import (
    EXERCISES,
    MOVEMENTS,
    Build,
    Camera,
    Limb,
    Posture,
    hold,
    landmarks,
    perform,
)

TALL = Build().scaled(1.15, limbs=1.1)


def lengths(build: Build) -> dict[tuple[str, str], float]:
    return {
        ("hip", "knee"): build.thigh,
        ("knee", "ankle"): build.shank,
        ("shoulder", "elbow"): build.upper_arm,
        ("elbow", "wrist"): build.forearm,
    }


@pytest.mark.parametrize("build", [Build(), TALL], ids=["average", "tall"])
def test_its_limbs_keep_their_lengths(build: Build) -> None:
    for exercise in EXERCISES:
        for frame in perform(exercise, repetitions=2, fps=10, noise_m=0, build=build):
            pose = tuple(frame.landmarks)
            for side in ("left", "right"):
                for (one, other), length in lengths(build).items():
                    measured = math.dist(at(pose, f"{side}_{one}"), at(pose, f"{side}_{other}"))
                    assert measured == pytest.approx(length)
            middles = [
                [
                    (a + b) / 2
                    for a, b in zip(
                        at(pose, f"left_{part}"), at(pose, f"right_{part}"), strict=True
                    )
                ]
                for part in ("hip", "shoulder")
            ]
            assert middles[0] == pytest.approx([0, 0, 0])
            assert math.dist(*middles) == pytest.approx(build.trunk)


def test_it_stands_upright_in_the_axes_of_the_camera() -> None:
    pose = landmarks(Posture())
    assert at(pose, "nose")[1] < at(pose, "left_shoulder")[1] < 0 < at(pose, "left_ankle")[1]
    # Its right side is shown: the left is farther away, and the toes point to the image's right.
    assert at(pose, "left_hip")[2] > at(pose, "right_hip")[2]
    assert at(pose, "left_foot_index")[0] > at(pose, "left_heel")[0]


@pytest.mark.parametrize("knee", [60.0, 90.0, 150.0])
def test_a_limb_has_the_angles_it_was_given(knee: float) -> None:
    pose = landmarks(Posture(left_leg=Limb(30, 30 - 180 + knee)))
    assert degrees(pose, "left", "knee") == pytest.approx(knee)
    assert degrees(pose, "right", "knee") == pytest.approx(180, abs=1e-4)


def test_a_performance_begins_and_ends_in_its_rest_and_reaches_its_peak() -> None:
    frames = perform("squat", repetitions=1, fps=40, noise_m=0, hides=False)
    rest, peak = (
        landmarks(posture, MOVEMENTS["squat"].turned)
        for posture in (MOVEMENTS["squat"].rest, MOVEMENTS["squat"].peak)
    )
    assert frames[0].landmarks == rest
    assert frames[-1].landmarks == rest
    middle = next(frame for frame in frames if frame.timestamp_ms == 2250)
    for landmark, wanted in zip(middle.landmarks, peak, strict=True):
        assert landmark == pytest.approx(wanted)


def test_every_other_one_of_alternating_lunges_is_the_other_leg_s() -> None:
    frames = perform("alternating-lunges", repetitions=2, fps=40, noise_m=0)
    for ms, leading, trailing in ((2250, "left", "right"), (4750, "right", "left")):
        pose = next(frame.landmarks for frame in frames if frame.timestamp_ms == ms)
        assert (
            at(tuple(pose), f"{leading}_ankle")[0] > at(tuple(pose), f"{trailing}_ankle")[0] + 0.5
        )


@pytest.mark.parametrize(
    ("turned", "far"),
    [
        *((turned, "left") for turned in (44, -44)),
        *((turned, "right") for turned in (136, 224)),
        *((turned, None) for turned in (45, 135, 225, -45)),
    ],
)
def test_from_the_side_it_hides_the_limbs_of_its_far_side(turned: float, far: str | None) -> None:
    (frame,) = hold(Posture(), seconds=0, camera=Camera(turned=turned))
    seen = dict(zip(LANDMARK_NAMES, frame.landmarks, strict=True))
    hidden = {name for name, mark in seen.items() if mark.visibility < 0.5}
    limbs = ("elbow", "wrist", "pinky", "index", "thumb", "knee", "ankle", "heel")
    assert hidden == ({f"{far}_{limb}" for limb in limbs} if far else set())
    if far:
        assert seen[f"{far}_foot_index"].visibility == 0.63


def test_a_forearm_may_point_elsewhere_than_its_upper_arm() -> None:
    pose = landmarks(Posture(left_arm=Limb(0, 0, 90, 180)))
    assert degrees(pose, "left", "elbow") == pytest.approx(90)
    assert at(pose, "left_wrist")[1] < at(pose, "left_elbow")[1] - 0.2
