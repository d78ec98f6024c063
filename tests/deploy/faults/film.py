"""Figures that do squats before cameras, all from the same moment on, and what is counted then."""

import time
from functools import cache
from typing import Any

import detection
from detection import PoseFrame
from dev.poses.figure import perform

FPS = 30
BATCH_FRAMES = 10
BATCH_SECONDS = BATCH_FRAMES / FPS
FIGURES = 4
MOVESPEC = "examples/movespecs/squat.yaml"

Event = tuple[str, float, dict[str, Any]]


class Film:
    """Batch n, from 0, is there once n + 1 times BATCH_SECONDS have passed.

    It goes on until `end`, which says how many batches there are in all.
    """

    def __init__(self, movespec: str) -> None:
        """`movespec` is the YAML by which it is counted."""
        self.movespec = movespec
        self.begun_at = time.monotonic()
        self.batches: int | None = None

    def batches_by_now(self) -> int:
        return int((time.monotonic() - self.begun_at) / BATCH_SECONDS)

    def end(self) -> None:
        self.batches = self.batches_by_now() + 1

    def goes_on_after(self, batches: int) -> bool:
        return self.batches is None or batches < self.batches

    def seconds_until(self, batch: int) -> float:
        return self.begun_at + (batch + 1) * BATCH_SECONDS - time.monotonic()


def poses_of(figure: int, batch: int) -> list[PoseFrame]:
    """The frames of one batch; a figure begins again when it has done its squats."""
    acted = acted_by(figure)
    first = batch * BATCH_FRAMES
    return [
        PoseFrame(number * 1000 / FPS, acted[number % len(acted)].landmarks)
        for number in range(first, first + BATCH_FRAMES)
    ]


@cache
def acted_by(figure: int) -> list[PoseFrame]:
    return perform("squat", repetitions=3, fps=FPS, seed=figure)


@cache
def events_of(movespec: str, figure: int, batches: int) -> list[Event]:
    """What the engine makes of so many batches that nothing disturbs, with its finish."""
    engine = detection.Engine(detection.compile(movespec))
    events = [
        event
        for batch in range(batches)
        for pose in poses_of(figure, batch)
        for event in engine.feed(pose)
    ]
    return [(each.type, each.ts_ms, each.payload) for each in [*events, *engine.finish()]]
