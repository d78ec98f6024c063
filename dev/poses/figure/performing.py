"""The performances of the figure before a camera: of an exercise, an activity, or a posture."""

import math
import random
from bisect import bisect_right
from dataclasses import replace
from typing import Any

from detection import PoseFrame
from dev.poses.figure.activities import ACTIVITIES
from dev.poses.figure.body import AVERAGE, Build, Posture, eased
from dev.poses.figure.camera import Camera
from dev.poses.figure.keyframes import Movement, Variant
from dev.poses.figure.movement_files import MOVEMENTS
from dev.poses.recordings import Recording

MADE_BY_CODE = "a figure made by code"


def perform(
    exercise: str,
    *,
    repetitions: int,
    seconds_per_repetition: float = 2.5,
    reach: float = 1.0,
    build: Build = AVERAGE,
    camera: Camera | None = None,
    **seen: Any,
) -> list[PoseFrame]:
    """The frames of a figure that performs `repetitions` of one of EXERCISES, before a camera.

    `reach` is the share of the way to the peak. `seen` are fields of Camera, in place of a whole
    one; without `turned` the exercise is seen as it is usually filmed.
    """
    movement = MOVEMENTS[exercise]
    camera = camera or Camera(**{"turned": movement.turned, **seen})
    pace = movement.seconds / seconds_per_repetition
    varied = movement.varied(Variant(name="performed", shallow=reach, fast=pace))
    return varied.film(repetitions=repetitions, camera=camera, build=build)


def act(activity: str, *, seconds: float, camera: Camera) -> list[PoseFrame]:
    """The frames of a figure that does one of ACTIVITIES, varied by the camera's seed."""
    chance = random.Random(f"{activity} {camera.seed}")  # noqa: S311
    times: list[float] = []
    postures: list[Posture] = []
    for step_seconds, posture in ACTIVITIES[activity](chance):
        times.append(step_seconds + (times[-1] if times else 0.0))
        postures.append(posture)
        if times[-1] > seconds:
            break

    def posture_at(second: float) -> Posture:
        after = bisect_right(times, second)
        if after == 0:
            return postures[0]
        start, end = times[after - 1], times[after]
        return eased(postures[after - 1], postures[after], (second - start) / (end - start))

    return camera.film(posture_at, seconds=seconds)


def hold(posture: Posture, *, seconds: float, camera: Camera) -> list[PoseFrame]:
    """The frames of a figure that does not move: one posture, seen with the camera's noise."""
    return camera.film(lambda _: posture, seconds=seconds)


def recorded(
    movement: Movement,
    *,
    repetitions: int | None = None,
    variant: Variant | None = None,
    fps: float = Camera().fps,
) -> Recording:
    """The recording of a movement, with its own number of repetitions unless another is given.

    How many repetitions a variant has is for nobody to say, so its `count` is None.
    """
    count = movement.repetitions if repetitions is None else repetitions
    done = movement if variant is None else movement.varied(variant)
    camera = replace(done.camera(), fps=fps)
    frames_in_all = math.floor(done.seconds_in_all(count) * fps + 1e-6) + 1
    filmed = {
        round(frame.timestamp_ms * fps / 1000): tuple(frame.landmarks)
        for frame in done.film(repetitions=count, camera=camera)
    }
    return Recording(
        exercise=movement.name,
        count=count if variant is None else None,
        rep_frames=None,
        fps=camera.fps,
        source=MADE_BY_CODE if variant is None else f"{MADE_BY_CODE}: {variant.name}",
        frames=[filmed.get(number) for number in range(frames_in_all)],
    )
