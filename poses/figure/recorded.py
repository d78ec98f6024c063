"""The recording of a figure's exercise, in the form of a person's."""

from poses.figure.performing import perform
from poses.recordings import Recording

FPS = 30.0


def recorded(exercise: str, repetitions: int) -> Recording:
    """The recording of one of EXERCISES, seen as it is usually filmed."""
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
