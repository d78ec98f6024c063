"""A recording read and run through an engine: its events, and its angles over time."""

from collections.abc import Mapping, Sequence
from math import nan
from pathlib import Path
from typing import NamedTuple

from django.core.management.base import CommandError

from clients.python.batches import needed_moments
from detection import Criterion, DetectionEvent, Engine, Measure, MoveSpec
from detection.engine.body import Curve
from dev.poses.recordings import Recording, RecordingInvalid, load
from sessions_app.summary import Quality, SessionQuality, quality_of

LEFT: Curve = "left"
RIGHT: Curve = "right"
PAIR: Curve = "pair"

# The result of `Engine.angles` after a frame.
Angles = Mapping[tuple[Measure, Curve], float]


def read_recording(path: Path) -> Recording:
    """Raises CommandError, with the reason, for a file that is no recording or shows nobody."""
    try:
        recording = load(path)
    except RecordingInvalid as error:
        raise CommandError(str(error)) from error
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}.") from error
    if not recording.pose_frames():
        raise CommandError(f"{path} shows nobody: it has no frame with a pose.")
    return recording


class EngineRun(NamedTuple):
    """The events, as a stream of the recording sends them; the angles after each frame; how much
    could be counted; and how often each check, by its name, was met and missed."""

    events: list[DetectionEvent]
    angles: list[Angles]
    quality: Quality | None
    checks: dict[str, dict[str, int]]


def run_engine(spec: MoveSpec, recording: Recording) -> EngineRun:
    engine = Engine(spec)
    events: list[DetectionEvent] = []
    angles: list[Angles] = []
    quality = SessionQuality()
    last_ms: float | None = None
    for moment in needed_moments(recording.moments()):
        if isinstance(moment, int | float):
            events += engine.advance(moment)
            continue
        caused = engine.feed(moment)
        events += caused
        angles.append(engine.angles())
        since_ms = None if last_ms is None else moment.timestamp_ms - last_ms
        last_ms = moment.timestamp_ms
        degrees = engine.driving_degrees() if engine.is_usable else None
        completes = any(event.type == "event_completed" for event in caused)
        quality.accept(engine, since_ms, degrees, completes=completes)
    events += engine.finish()
    checks = engine.summary()[spec.movement_name]["checks"]
    return EngineRun(events, angles, quality_of({"quality": quality.state()}), checks)


def measures_of(criteria: Sequence[Criterion]) -> dict[Measure, tuple[Curve, ...]]:
    """The measures of criteria, each with the curves that are drawn for it."""
    found: dict[Measure, set[Curve]] = {}
    for criterion in criteria:
        curves = found.setdefault(criterion.measure, set())
        match criterion.side:
            case None if criterion.measure == "trunk":
                curves.add(PAIR)
            case "left" | "right":
                curves.add(criterion.side)
            case None:
                curves.update((LEFT, RIGHT, PAIR))
            case _:
                curves.update((LEFT, RIGHT))
    order = (LEFT, RIGHT, PAIR)
    return {
        measure: tuple(curve for curve in order if curve in curves)
        for measure, curves in found.items()
    }


def angle_series(angles: Sequence[Angles], measure: Measure, curve: Curve) -> list[float]:
    """Degrees at each frame; NaN where the engine knew none."""
    return [known.get((measure, curve), nan) for known in angles]
