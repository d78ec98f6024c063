"""The figure that performs the catalogue's movements."""

import math

import pytest

from detection import JOINT_LANDMARKS, Landmark
from detection.landmarks import INDEX
from poses.figure import (
    EXERCISES,
    FOREARM,
    MOVEMENTS,
    SHANK,
    THIGH,
    TRUNK,
    UPPER_ARM,
    Limb,
    Posture,
    landmarks,
    perform,
)

LENGTHS = {
    ("hip", "knee"): THIGH,
    ("knee", "ankle"): SHANK,
    ("shoulder", "elbow"): UPPER_ARM,
    ("elbow", "wrist"): FOREARM,
}


def at(pose: tuple[Landmark, ...], name: str) -> tuple[float, float, float]:
    return pose[INDEX[name]][:3]


def degrees(pose: tuple[Landmark, ...], side: str, joint: str) -> float:
    start, middle, end = (at(pose, f"{side}_{name}") for name in JOINT_LANDMARKS[joint])  # type: ignore[index]
    u, v = ([a - b for a, b in zip(point, middle, strict=True)] for point in (start, end))
    cosine = sum(a * b for a, b in zip(u, v, strict=True)) / (math.hypot(*u) * math.hypot(*v))
    return math.degrees(math.acos(max(-1.0, min(1.0, cosine))))


@pytest.mark.parametrize("exercise", EXERCISES)
def test_its_limbs_keep_their_lengths(exercise: str) -> None:
    for frame in perform(exercise, repetitions=2, fps=10, noise_m=0):
        pose = tuple(frame.landmarks)
        for side in ("left", "right"):
            for (one, other), length in LENGTHS.items():
                measured = math.dist(at(pose, f"{side}_{one}"), at(pose, f"{side}_{other}"))
                assert measured == pytest.approx(length)
        middles = [
            [
                (a + b) / 2
                for a, b in zip(at(pose, f"left_{part}"), at(pose, f"right_{part}"), strict=True)
            ]
            for part in ("hip", "shoulder")
        ]
        assert middles[0] == pytest.approx([0, 0, 0])
        assert math.dist(*middles) == pytest.approx(TRUNK)


def test_it_stands_upright_in_the_axes_of_the_camera() -> None:
    pose = landmarks(Posture())
    assert at(pose, "nose")[1] < at(pose, "left_shoulder")[1] < 0 < at(pose, "left_ankle")[1]
    # Its right side is shown: the left is farther away, and the toes point to the image's right.
    assert at(pose, "left_hip")[2] > at(pose, "right_hip")[2]
    assert at(pose, "left_foot_index")[0] > at(pose, "left_heel")[0]


def test_turned_by_90_degrees_it_faces_the_camera() -> None:
    pose = landmarks(Posture(), 90)
    assert at(pose, "left_shoulder")[0] > at(pose, "right_shoulder")[0]
    assert at(pose, "nose")[2] < 0


@pytest.mark.parametrize("knee", [60.0, 90.0, 150.0])
def test_a_limb_has_the_angles_it_was_given(knee: float) -> None:
    pose = landmarks(Posture(left_leg=Limb(30, 30 - 180 + knee)))
    assert degrees(pose, "left", "knee") == pytest.approx(knee)
    assert degrees(pose, "right", "knee") == pytest.approx(180, abs=1e-4)


def test_a_performance_begins_and_ends_in_its_rest_and_reaches_its_peak() -> None:
    frames = perform("squat", repetitions=1, fps=40, seconds_per_repetition=2.5, noise_m=0)
    rest, peak = (
        landmarks(posture, MOVEMENTS["squat"].turned)
        for posture in (MOVEMENTS["squat"].rest, MOVEMENTS["squat"].peak)
    )
    assert frames[0].landmarks == rest
    assert frames[-1].landmarks == rest
    middle = next(frame for frame in frames if frame.timestamp_ms == 2250)
    for landmark, wanted in zip(middle.landmarks, peak, strict=True):
        assert landmark == pytest.approx(wanted)


def test_every_other_lunge_is_the_other_leg_s() -> None:
    frames = perform("lunge", repetitions=2, fps=40, noise_m=0)
    for ms, leading, trailing in ((2250, "left", "right"), (4750, "right", "left")):
        pose = next(frame.landmarks for frame in frames if frame.timestamp_ms == ms)
        assert (
            at(tuple(pose), f"{leading}_ankle")[0] > at(tuple(pose), f"{trailing}_ankle")[0] + 0.5
        )


def test_the_same_arguments_give_the_same_frames() -> None:
    arguments = {"repetitions": 1, "fps": 30, "dropped": 0.1}
    assert perform("squat", **arguments) == perform("squat", **arguments)  # type: ignore[arg-type]
    assert perform("squat", **arguments) != perform("squat", seed=2, **arguments)  # type: ignore[arg-type]


def test_times_begin_where_told_and_follow_the_frame_rate() -> None:
    frames = perform("squat", repetitions=1, fps=25, start_ms=500)
    assert [frame.timestamp_ms for frame in frames[:3]] == [500, 540, 580]
    assert len(frames) == int(4.5 * 25) + 1


def test_the_share_told_is_dropped() -> None:
    frames = perform("squat", repetitions=20, fps=60, dropped=0.05)
    assert 0.03 < 1 - len(frames) / (52 * 60 + 1) < 0.07


def test_noise_has_the_size_told() -> None:
    still = perform("squat", repetitions=0, fps=100, noise_m=0.01)
    xs = [frame.landmarks[0].x for frame in still]
    mean = sum(xs) / len(xs)
    assert 0.008 < math.sqrt(sum((x - mean) ** 2 for x in xs) / len(xs)) < 0.012
