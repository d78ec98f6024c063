"""A recording read and run through an engine: its events, and its angles over time."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from django.core.management.base import CommandError

from clients.python.batches import needed_moments
from detection import Criterion, DetectionEvent, Engine, Measure, MoveSpec, SessionSummary
from detection.engine.body import Curve
from dev.poses.recordings import Recording, RecordingInvalid, load
from sessions_app.summary import Quality, quality_of

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
    """The events, as a stream of the recording sends them; of each frame its second, the angles
    after it, and whether the setup is met; how much could be counted; and how often each check was
    met and missed."""

    events: list[DetectionEvent]
    seconds: list[float]
    angles: list[Angles]
    are_ready: list[bool]
    quality: Quality | None
    checks: dict[str, dict[str, int]]


def run_engine(spec: MoveSpec, recording: Recording) -> EngineRun:
    engine = Engine(spec)
    events: list[DetectionEvent] = []
    seconds: list[float] = []
    angles: list[Angles] = []
    are_ready: list[bool] = []
    summary = SessionSummary(engine)
    last_ms: float | None = None
    for moment in needed_moments(recording.moments()):
        if isinstance(moment, int | float):
            events += engine.advance(moment)
            continue
        caused = engine.feed(moment)
        events += caused
        seconds.append(moment.timestamp_ms / 1000)
        angles.append(engine.angles())
        are_ready.append(engine.readiness == "ready")
        summary.accept(None if last_ms is None else moment.timestamp_ms - last_ms, caused)
        last_ms = moment.timestamp_ms
    events += engine.finish()
    checks = engine.summary()[spec.movement_name]["checks"]
    return EngineRun(events, seconds, angles, are_ready, quality_of(summary.state()), checks)


def stays(phase: str, run: EngineRun) -> list[tuple[float, float]]:
    """The stays in a phase, in seconds: from each shape_enter to the shape_exit of its side, or to
    the last frame."""
    found = []
    entered: dict[str | None, float] = {}
    for event in run.events:
        if event.payload.get("shape_key") != phase:
            continue
        side = event.payload.get("side")
        if event.type == "shape_enter":
            entered[side] = event.ts_ms / 1000
        elif side in entered:
            found.append((entered.pop(side), event.ts_ms / 1000))
    return [*found, *((since, run.seconds[-1]) for since in entered.values())]


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
