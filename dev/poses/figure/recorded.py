"""The recording of a figure's movement, in the form of a person's."""

import math
from dataclasses import replace

from dev.poses.figure.camera import Camera
from dev.poses.figure.keyframes import Movement, Variant
from dev.poses.recordings import Recording

MADE_BY_CODE = "a figure made by code"


def recorded(
    movement: Movement,
    *,
    repetitions: int | None = None,
    variant: Variant | None = None,
    fps: float = Camera().fps,
) -> Recording:
    """The recording of a movement, as often as it says where nothing else is told.

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
