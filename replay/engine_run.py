"""A recording run through an engine."""

from client.batches import worth_telling
from detection import DetectionEvent, Engine, MoveSpec
from poses.recordings import Recording
from replay.angle_series import Angles


def run_engine(spec: MoveSpec, recording: Recording) -> tuple[list[DetectionEvent], list[Angles]]:
    """The events, as a stream of the recording gives them, and the angles after each frame."""
    engine = Engine(spec)
    events: list[DetectionEvent] = []
    angles: list[Angles] = []
    for moment in worth_telling(recording.moments()):
        if isinstance(moment, int | float):
            events += engine.advance(moment)
        else:
            events += engine.feed(moment)
            angles.append(engine.angles())
    return events + engine.finish(), angles
