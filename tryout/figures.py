"""The recordings of the figure that performs a movement, which the page can stream."""

from dataclasses import replace
from functools import cache

from detection import Landmark
from poses.figure import MOVEMENTS, recorded
from poses.recordings import packed

DECIMALS = 3  # millimetres: the file is a fifth as large


@cache
def figure(slug: str) -> bytes:
    """The figure, that performs one of EXERCISES, as a file of a recording."""
    recording = recorded(MOVEMENTS[slug])
    frames = [pose and tuple(map(_rounded, pose)) for pose in recording.frames]
    return packed(replace(recording, frames=frames))


def _rounded(landmark: Landmark) -> Landmark:
    return Landmark._make(value and round(value, DECIMALS) for value in landmark)
