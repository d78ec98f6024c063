"""Recordings for the tests of the score."""

from functools import cache
from pathlib import Path

from detection import Landmark
from dev.bench.score.samples import DATASETS, Sample, Span
from dev.poses.figure import perform
from dev.poses.recordings import Recording, save


@cache
def squats(performed: int) -> list[tuple[Landmark, ...]]:
    frames = perform("squat", repetitions=performed, fps=20, noise_m=0, hides=False)
    return [tuple(frame.landmarks) for frame in frames]


def make_recording(
    folder: Path,
    name: str,
    *,
    exercise: str = "squat",
    performed: int = 3,
    count: int | None = 3,
    rep_frames: list[tuple[int, int]] | None = None,
    source: str = "figure",
) -> None:
    """A figure that does `performed` squats of 50 frames each, after 20 frames of rest."""
    recording = Recording(
        exercise=exercise,
        count=count,
        rep_frames=rep_frames,
        fps=20.0,
        source=source,
        frames=squats(performed),
    )
    save(folder / f"{name}.json.gz", recording)


def marked(*repetitions: Span, name: str = "a", count: int | None = None) -> Sample:
    """A recording with these repetitions and nothing to see."""
    return Sample(
        name=name,
        dataset=DATASETS[0],
        exercise="squat",
        count=len(repetitions) if count is None else count,
        repetitions=repetitions,
        frames=[],
        seconds=60.0,
    )
