"""One side that comes into sight or leaves it is no movement, and no reason to fail."""

from itertools import pairwise

import pytest
from engine_scene import bent, changed, completed, movespec, run, swinging, told

from detection import Engine, Landmark, PoseFrame
from dev.bench.score.engine_runs import catalogue
from dev.poses.figure import Camera, Limb, Posture, hold

ANKLES = ["{joint: ankle, angle_max: 40}"], ["{joint: ankle, angle_min: 100}"]


@pytest.mark.parametrize("strict", ["false", "true"])
def test_a_foreshortened_side_of_a_still_body_completes_nothing(strict: str) -> None:
    phases = {"a": ANKLES[0], "b": ANKLES[1]}
    posture = Posture(
        lean=-56,
        tilt=4,
        left_leg=Limb(60, -82, 32),
        right_leg=Limb(-27, -35, 48),
        left_arm=Limb(114, 48, 58),
        right_arm=Limb(24, 117, 23),
    )
    camera = Camera(noise_m=0.003, z_noise=1, turned=122, seed=66)
    assert (
        completed(run(movespec(phases, ["a", "b"]), hold(posture, seconds=5, camera=camera))) == 0
    )


def test_a_body_that_is_still_in_an_odd_posture_does_no_push_up() -> None:
    posture = Posture(
        lean=-28,
        tilt=-19,
        left_leg=Limb(80, 87, 15),
        right_leg=Limb(19, -25, 38),
        left_arm=Limb(19, -75, 12),
        right_arm=Limb(-19, 124, 9),
    )
    camera = Camera(noise_m=0.003, z_noise=1, turned=271, seed=375)
    assert completed(run(catalogue()["push-up"], hold(posture, seconds=5, camera=camera))) == 0


@pytest.mark.parametrize("times", [(0, 2, 102), (0, 16.7, 99.7, 182.7, 265.7)])
def test_an_angle_seen_from_its_end_for_a_moment_is_known_and_right(
    times: tuple[float, ...],
) -> None:
    leg = {"hip": 0.0, "knee": 0.6, "ankle": 1.2}
    engine = Engine(movespec())
    for number, ms in enumerate(times):
        pose = bent(180)
        for name, z in leg.items():
            seen = 0.5 if number == 1 else 0.1
            pose = changed(
                pose, [f"left_{name}", f"right_{name}"], lambda _, z=z, v=seen: Landmark(0, 0, z, v)
            )
        engine.feed(PoseFrame(ms, pose))
        known = engine.angles()
        assert all(0 <= degrees <= 180 for degrees in known.values())
        if number == 1:
            assert known["knee", "pair"] == pytest.approx(180, abs=0.1)


def test_a_restored_engine_says_the_same_of_who_was_hidden_for_a_while() -> None:
    legs = [f"{side}_{name}" for side in ("left", "right") for name in ("knee", "ankle")]
    poses = swinging([178, 115, 178, 115, 178])
    hidden = {n for start in (40, 75) for n in range(start, start + 15)}
    frames = [
        PoseFrame(
            n * 1000 / 30,
            changed(pose, legs, lambda mark: mark._replace(visibility=0.1))
            if n in hidden
            else pose,
        )
        for n, pose in enumerate(poses)
    ]
    spec = movespec()
    whole = run(spec, frames)
    assert {"shape_exit:standing", "shape_enter:bottom"} <= set(told(whole))
    for stops in pairwise(range(0, len(frames), 3)):
        engine = Engine(spec)
        events = []
        for n, frame in enumerate(frames):
            if n in stops:
                engine = Engine.restore(spec, engine.snapshot())
            events += engine.feed(frame)
        assert events + engine.finish() == whole
