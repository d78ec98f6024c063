"""Seconds in which the landmarker has lost the person complete nothing."""

import random
from dataclasses import replace
from itertools import islice

from engine_scene import completed, run

from detection import LANDMARK_NAMES, MoveSpec, PoseFrame
from detection.landmarks import INDEX
from dev.bench.score.engine_runs import catalogue
from dev.bench.score.other_authors import movespec as written
from dev.poses.figure import (
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
from tests.long_runs import thinned

SPECS: dict[str, MoveSpec] = {
    "squat": catalogue()["squat"],
    "push-up": catalogue()["push-up"],
    "squat of the public example": written("squat", "public example"),
    "push-up of the public example": written("push-up", "public example"),
}
SECONDS = 5
SEEDS = tuple(range(1, 7))
by_spec_and_seed = thinned("name, seed", tuple(SPECS), SEEDS)


def swapped(pose: tuple[object, ...]) -> tuple[object, ...]:
    """Left taken for right."""
    other = {"left": "right", "right": "left"}
    return tuple(
        pose[INDEX["_".join(other.get(part, part) for part in name.split("_"))]]
        for name in LANDMARK_NAMES
    )


def lost(frames: list[PoseFrame], around: Posture, turned: float, seed: int) -> list[PoseFrame]:
    """The frames as who has lost the person sees them: for one to three frames each some posture,
    around the true one or anywhere, of limbs of some length, left taken for right half the time."""
    chance = random.Random(seed)  # noqa: S311
    made: list[PoseFrame] = []

    def limb() -> Limb:
        return Limb(chance.uniform(-60, 150), chance.uniform(-110, 150), chance.uniform(0, 40))

    while len(made) < len(frames):
        posture = Posture(
            lean=chance.uniform(-60, 90),
            left_leg=limb(),
            right_leg=limb(),
            left_arm=limb(),
            right_arm=limb(),
        )
        if chance.random() < 0.4:
            posture = around
        build = Build(
            thigh=chance.uniform(0.1, 0.7),
            shank=chance.uniform(0.1, 0.7),
            upper_arm=chance.uniform(0.05, 0.5),
            forearm=chance.uniform(0.05, 0.5),
            trunk=chance.uniform(0.2, 0.8),
        )
        pose = landmarks(mirrored(posture), turned + chance.uniform(-40, 40), build)
        if chance.random() < 0.5:
            pose = swapped(pose)  # type: ignore[assignment]
        for frame in islice(frames, len(made), len(made) + chance.randint(1, 3)):
            made.append(PoseFrame(frame.timestamp_ms, pose))
    return made


def exercise_of(name: str) -> str:
    return name.split(" ")[0]


@by_spec_and_seed
def test_who_stands_and_is_lost_for_a_while_has_done_nothing(name: str, seed: int) -> None:
    movement = MOVEMENTS[exercise_of(name)]
    camera = Camera(turned=movement.turned, seed=seed)
    frames = hold(movement.rest, seconds=15, camera=camera)
    begin, end = 5 * 30, (5 + SECONDS) * 30
    frames[begin:end] = lost(frames[begin:end], movement.rest, movement.turned, seed)
    assert completed(run(SPECS[name], frames)) == 0


@by_spec_and_seed
def test_a_set_of_eight_in_which_he_is_lost_between_two_counts_eight_within_one(
    name: str, seed: int
) -> None:
    movement = MOVEMENTS[exercise_of(name)]
    camera = Camera(turned=movement.turned, seed=seed)
    first = perform(exercise_of(name), repetitions=4, camera=camera)
    pause = hold(movement.rest, seconds=SECONDS, camera=camera)
    later = replace(camera, start_ms=first[-1].timestamp_ms + 1000 * SECONDS + 1000 / 15)
    second = perform(exercise_of(name), repetitions=4, camera=later)
    gone = [
        PoseFrame(frame.timestamp_ms + first[-1].timestamp_ms + 1000 / 30, frame.landmarks)
        for frame in lost(pause, movement.rest, movement.turned, seed)
    ]
    assert 7 <= completed(run(SPECS[name], [*first, *gone, *second])) <= 9
