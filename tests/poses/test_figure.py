"""The figure's body, its exercises, and the camera before which it moves."""

import math
from statistics import fmean, pstdev

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
    mirrored,
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
@pytest.mark.parametrize("exercise", EXERCISES)
def test_its_limbs_keep_their_lengths(exercise: str, build: Build) -> None:
    for frame in perform(exercise, repetitions=2, fps=10, noise_m=0, build=build):
        pose = tuple(frame.landmarks)
        for side in ("left", "right"):
            for (one, other), length in lengths(build).items():
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
        assert math.dist(*middles) == pytest.approx(build.trunk)


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


def test_told_so_it_goes_part_of_the_way() -> None:
    frames = perform("squat", repetitions=1, fps=40, reach=0.64, noise_m=0)
    knees = [degrees(tuple(frame.landmarks), "left", "knee") for frame in frames]
    assert min(knees) == pytest.approx(176 - 0.64 * (176 - 78))
    assert knees[0] == knees[-1] == pytest.approx(176)


def test_every_other_one_of_alternating_lunges_is_the_other_leg_s() -> None:
    frames = perform("alternating-lunges", repetitions=2, fps=40, noise_m=0)
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
    camera = Camera(fps=100, noise_m=0.01, z_noise=4)
    noses = [frame.landmarks[0] for frame in hold(Posture(), seconds=4, camera=camera)]
    x, y, z, _ = (pstdev(axis) for axis in zip(*noses, strict=True))
    assert (round(x, 3), round(y, 3), round(z, 2)) == (0.01, 0.01, 0.04)


@pytest.mark.long
def test_an_error_of_z_lasts_as_long_as_told_at_any_frame_rate() -> None:
    for fps in (20, 50):
        camera = Camera(fps=fps, noise_m=0.01, z_noise=4, z_noise_ms=200)
        errors = [frame.landmarks[0].z for frame in hold(Posture(), seconds=150, camera=camera)]
        mean = fmean(errors)
        later = round(0.2 * fps)
        kept = fmean(
            (one - mean) * (other - mean)
            for one, other in zip(errors, errors[later:], strict=False)
        )
        assert pstdev(errors) == pytest.approx(0.04, rel=0.1)
        assert kept / pstdev(errors) ** 2 == pytest.approx(math.exp(-1), abs=0.15)


def test_an_error_of_z_that_is_kept_differs_between_landmarks_and_seeds_alone() -> None:
    def errors(seed: int) -> list[list[float]]:
        camera = Camera(fps=10, noise_m=0, z_bias_m=0.1, seed=seed)
        true = landmarks(Posture())
        return [
            [mark.z - was.z for mark, was in zip(frame.landmarks, true, strict=True)]
            for frame in hold(Posture(), seconds=1, camera=camera)
        ]

    first, *others = errors(1)
    assert all(other == first for other in others)
    assert 0.06 < pstdev(first) < 0.14
    assert errors(2)[0] != first


def test_z_is_flattened_as_told_and_nothing_else_is() -> None:
    true, flat = (
        perform("squat", repetitions=1, fps=10, noise_m=0, z_scale=scale) for scale in (1, 0.5)
    )
    for one, other in zip(true, flat, strict=True):
        for mark, flattened in zip(one.landmarks, other.landmarks, strict=True):
            assert flattened == (mark.x, mark.y, mark.z * 0.5, mark.visibility)


def test_it_can_be_seen_from_where_one_likes() -> None:
    for turned in (0, 45, 90):
        frames = perform("squat", repetitions=0, fps=10, noise_m=0, turned=turned, hides=False)
        assert frames[0].landmarks == landmarks(MOVEMENTS["squat"].rest, turned)


@pytest.mark.parametrize(
    ("turned", "far"),
    [
        *((turned, "left") for turned in (0, 44, -44, 360)),
        *((turned, "right") for turned in (180, 136, 224)),
        *((turned, None) for turned in (45, 90, 135, 225, 270, 315, -45)),
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


def test_who_lies_on_a_side_before_the_camera_hides_nothing() -> None:
    (frame,) = hold(Posture(roll=90), seconds=0, camera=Camera(turned=0))
    assert {mark.visibility for mark in frame.landmarks} == {1.0}


def test_told_so_it_hides_nothing() -> None:
    (frame,) = hold(Posture(), seconds=0, camera=Camera(hides=False))
    assert {mark.visibility for mark in frame.landmarks} == {1.0}
    lunges = MOVEMENTS["alternating-lunges"].film(repetitions=1, camera=Camera(fps=5))
    assert {mark.visibility for one in lunges for mark in one.landmarks} == {1.0}


def test_who_is_large_is_large_in_every_part_and_longer_in_limbs_where_told() -> None:
    average = Build()
    assert TALL.trunk / average.trunk == pytest.approx(1.15)
    assert TALL.half_shoulders / average.half_shoulders == pytest.approx(1.15)
    assert TALL.thigh / average.thigh == pytest.approx(1.15 * 1.1)
    assert TALL.hand / average.hand == pytest.approx(1.15 * 1.1)


def test_tilted_it_leans_to_its_left() -> None:
    pose = landmarks(Posture(tilt=30), 90)
    assert at(pose, "left_shoulder")[0] > 0.18 + 0.2
    assert at(pose, "nose")[0] > 0.2


def test_rolled_by_90_degrees_it_lies_on_its_left_side() -> None:
    pose = landmarks(Posture(roll=90), 90)
    assert at(pose, "left_shoulder")[1] == pytest.approx(0.18)
    assert at(pose, "right_shoulder")[1] == pytest.approx(-0.18)
    # Seen from the front, its head is to the image's right.
    assert at(pose, "nose")[0] == pytest.approx(0.7)
    assert at(pose, "left_ankle")[0] == pytest.approx(-0.84)


def test_mirrored_it_lies_on_its_right_side() -> None:
    pose = landmarks(mirrored(Posture(roll=90)), 90)
    assert at(pose, "right_shoulder")[1] == pytest.approx(0.18)


def test_a_forearm_may_point_elsewhere_than_its_upper_arm() -> None:
    pose = landmarks(Posture(left_arm=Limb(0, 0, 90, 180)))
    assert degrees(pose, "left", "elbow") == pytest.approx(90)
    assert at(pose, "left_wrist")[1] < at(pose, "left_elbow")[1] - 0.2
