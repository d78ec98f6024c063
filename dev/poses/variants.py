"""Variants of recordings, as another camera, pace or person would have made them.

The constants of the engine were not chosen on these. A rule that helps the recordings and harms
their variants is fitted to the recordings."""

import math
import random
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import accumulate
from typing import Any

from detection import LANDMARK_NAMES, Landmark, PoseFrame

Frames = list[PoseFrame]
Change = Callable[[Frames], Frames]

# By how much the recordings' z is too long, going by the shoulders of people filmed from the side.
DEPTH_EXCESS = 2.2
# Frames on either side whose mean is the posture around which the person moves: two seconds at 30
# frames a second.
AROUND = 60


def _each(frames: Frames, change: Callable[[int, Landmark], Landmark]) -> Frames:
    return [
        PoseFrame(
            frame.timestamp_ms, tuple(change(n, mark) for n, mark in enumerate(frame.landmarks))
        )
        for frame in frames
    ]


def off(
    mark: Landmark, gauss: Callable[[float, float], float], metres: float, z_metres: float
) -> Landmark:
    """The landmark with normal noise of x and y, and of z."""
    x, y = (axis + gauss(0, metres) for axis in mark[:2])
    return Landmark(x, y, mark.z + gauss(0, z_metres), mark.visibility)


def at_fps(fps: float, frames: Frames) -> Frames:
    """The first frame of each tick."""
    kept: dict[int, PoseFrame] = {}
    for frame in frames:
        kept.setdefault(math.floor(frame.timestamp_ms * fps / 1000 + 1e-6), frame)
    return list(kept.values())


def at_pace(factor: float, frames: Frames) -> Frames:
    return [PoseFrame(frame.timestamp_ms * factor, frame.landmarks) for frame in frames]


def with_noise(metres: float, frames: Frames) -> Frames:
    """Normal noise of x and y, and twice as much of z."""
    gauss = random.Random(1).gauss  # noqa: S311 - noise, not a secret
    return _each(frames, lambda _, mark: off(mark, gauss, metres, 2 * metres))


def dropping(share: float, frames: Frames) -> Frames:
    chance = random.Random(1)  # noqa: S311
    return [frame for frame in frames if chance.random() >= share]


def hiding(side: str, frames: Frames) -> Frames:
    """An error of 5 cm on one side, with a low visibility."""
    chance = random.Random(1)  # noqa: S311
    hidden = {n for n, name in enumerate(LANDMARK_NAMES) if name.startswith(side)}

    def hide(number: int, mark: Landmark) -> Landmark:
        if number not in hidden:
            return mark
        wrong = off(mark, chance.gauss, 0.05, 0.05)
        return wrong._replace(visibility=chance.uniform(0, 0.45))

    return _each(frames, hide)


def turned(degrees: float, frames: Frames) -> Frames:
    """The frames of a camera that stands elsewhere around the person."""
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return _each(
        frames,
        lambda _, mark: Landmark(
            mark.x * cos + mark.z / DEPTH_EXCESS * sin,
            mark.y,
            mark.z * cos - mark.x * DEPTH_EXCESS * sin,
            mark.visibility,
        ),
    )


def shallower(factor: float, frames: Frames) -> Frames:
    """A smaller movement: each landmark goes `factor` of the way from its recent mean."""
    tracks = zip(*(frame.landmarks for frame in frames), strict=True)
    poses = zip(*(_damped(factor, track) for track in tracks), strict=True)
    return [PoseFrame(frame.timestamp_ms, pose) for frame, pose in zip(frames, poses, strict=True)]


def _damped(factor: float, track: Sequence[Landmark]) -> list[Landmark]:
    means = zip(*(_moving_mean([mark[axis] for mark in track]) for axis in range(3)), strict=True)
    return [
        Landmark(
            x + factor * (mark.x - x),
            y + factor * (mark.y - y),
            z + factor * (mark.z - z),
            mark.visibility,
        )
        for mark, (x, y, z) in zip(track, means, strict=True)
    ]


def _moving_mean(values: Sequence[Any]) -> list[float]:
    sums = list(accumulate(values, initial=0.0))
    spans = ((max(n - AROUND, 0), min(n + AROUND + 1, len(values))) for n in range(len(values)))
    return [(sums[end] - sums[start]) / (end - start) for start, end in spans]


def _of(change: Callable[[float, Frames], Frames], *amounts: float) -> Iterable[Change]:
    return (partial(change, amount) for amount in amounts)


CHANGES: tuple[Change, ...] = (
    *_of(at_fps, 10, 15),
    *_of(at_pace, 0.7, 1.5),
    *_of(with_noise, 0.01, 0.02, 0.03),
    partial(dropping, 0.1),
    partial(hiding, "left"),
    partial(hiding, "right"),
    *_of(turned, -45, -30, -15, 15, 30, 45),
    partial(shallower, 0.8),
)
