"""A recording run through an engine."""

from typing import NamedTuple

from clients.python.batches import worth_telling
from detection import DetectionEvent, Engine, MoveSpec
from dev.poses.recordings import Recording
from dev.replay.angle_series import Angles
from sessions_app.quality import Quality, SessionQuality, quality_of


class EngineRun(NamedTuple):
    """The events, as a stream of the recording gives them, the angles after each frame, how much
    could be counted, and by its name how often each check was met and missed."""

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
    for moment in worth_telling(recording.moments()):
        if isinstance(moment, int | float):
            events += engine.advance(moment)
            continue
        told = engine.feed(moment)
        events += told
        angles.append(engine.angles())
        since_ms = None if last_ms is None else moment.timestamp_ms - last_ms
        last_ms = moment.timestamp_ms
        degrees = engine.carried_degrees() if engine.is_usable else None
        completes = any(event.type == "event_completed" for event in told)
        quality.accept(engine, since_ms, degrees, completes=completes)
    events += engine.finish()
    checks = engine.summary()[spec.movement_name]["checks"]
    return EngineRun(events, angles, quality_of({"quality": quality.state()}), checks)
