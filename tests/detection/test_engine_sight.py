"""One side that comes into sight or leaves it is no movement, and no reason to fail."""

from itertools import pairwise

import pytest
from engine_scene import bent, changed, movespec, run, run_restored, swinging, told

from detection import Engine, Landmark, PoseFrame


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
        assert run_restored(spec, frames, set(stops)) == whole
