"""The figure's exercise as a recording, such as a person's."""

from poses.figure.performing import perform
from poses.recordings import Recording

FPS = 30.0


def recorded(exercise: str, repetitions: int) -> Recording:
    """One of EXERCISES, in the turn to the camera in which it is usually filmed."""
    return Recording(
        exercise=exercise,
        count=repetitions,
        rep_frames=None,
        fps=FPS,
        source="a figure made by code",
        frames=[
            tuple(frame.landmarks) for frame in perform(exercise, repetitions=repetitions, fps=FPS)
        ],
    )
