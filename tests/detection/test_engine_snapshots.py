"""Snapshots of MoveSpecs with all that the language has: the same events, and their size."""

import random

import msgspec
import pytest
from engine_scene import movespec, run, run_restored

from detection import JOINT_LANDMARKS, Engine, MoveSpec, PoseFrame
from detection.spec import ARM_MEASURES, LEG_MEASURES
from dev.poses.figure import perform

ANY_SIDE = ("left", "right", "both", "either", "front", "back", None)


def every_measure() -> MoveSpec:
    """16 phases, half of them strict, over every joint and lean and every side, in 32 steps."""
    measures = (*ARM_MEASURES, *LEG_MEASURES)

    def criterion(phase: int, number: int) -> str:
        measure = measures[(phase * 8 + number) % len(measures)]
        side = ANY_SIDE[(phase + number) % len(ANY_SIDE)]
        key = "joint" if measure in JOINT_LANDMARKS else "lean"
        of_side = "" if side is None else f"side: {side}, "
        return f"{{{key}: {measure}, {of_side}angle_max: {120 + phase}}}"

    phases = {
        f"p{phase}": [
            *(criterion(phase, number) for number in range(7)),
            f"{{lean: trunk, angle_max: {120 + phase}}}",
        ]
        for phase in range(16)
    }
    names = list(phases)
    return movespec(phases, names * 2, strict=names[::2])


EVERY = every_measure()
# A swing over strict ends, a condition, and steps that only stillness denies.
CARRIED = movespec(
    {
        "standing": ["{joint: knee, angle_min: 150}", "{lean: trunk, angle_max: 80}"],
        "bottom": ["{joint: knee, angle_max: 120}", "{lean: trunk, angle_max: 80}"],
    },
    strict=["bottom"],
)
STILL = movespec(
    {"bent": ["{joint: knee, angle_max: 150}"], "deep": ["{joint: knee, angle_max: 120}"]},
    ["bent", "deep"],
)


def dimmed(frames: list[PoseFrame]) -> list[PoseFrame]:
    """Each landmark is seen as well as it happens to be."""
    chance = random.Random(1)  # noqa: S311
    return [
        PoseFrame(
            frame.timestamp_ms,
            tuple(mark._replace(visibility=chance.uniform(0.4, 1)) for mark in frame.landmarks),
        )
        for frame in frames
    ]


@pytest.mark.parametrize("spec", [EVERY, CARRIED, STILL], ids=["every", "carried", "still"])
def test_so_they_are_with_leans_strict_phases_and_stillness(spec: MoveSpec) -> None:
    frames = dimmed(perform("squat", repetitions=4, fps=20, noise_m=0.02, dropped=0.1))
    events = run(spec, frames)
    assert run_restored(spec, frames, set(range(len(frames)))) == events
    assert events


def test_the_snapshot_of_every_measure_is_less_than_3_and_a_quarter_kib() -> None:
    engine = Engine(EVERY)
    sizes = []
    for frame in dimmed(perform("lunge", repetitions=5, fps=30, noise_m=0.05, start_ms=1.7e12)):
        engine.feed(frame)
        sizes.append(len(msgspec.msgpack.encode(engine.snapshot())))
    assert max(sizes) < 3328
