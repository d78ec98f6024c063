"""What a runtime stores of a real engine that has followed a real figure."""

from functools import cache
from typing import NamedTuple

import detection
from dev.poses.figure import perform
from sessions_app.checkpoints import NewEvent
from sessions_app.stream_state import pack
from tests.conftest import VALID_YAML


class Work(NamedTuple):
    """The stored state after some frames, and the events that they caused."""

    packed_state: bytes
    frames: int
    events: tuple[NewEvent, ...]


@cache
def squatted(until: str, yaml_source: str = VALID_YAML) -> Work:
    """One squat, up to the frame that gives an event named `until`: its shape, or its type."""
    engine = detection.Engine(detection.compile(yaml_source))
    events: list[NewEvent] = []
    for number, frame in enumerate(perform("squat", repetitions=1, fps=30), start=1):
        for event in engine.feed(frame):
            events.append(NewEvent(len(events) + 1, number, event.ts_ms, event.type, event.payload))
        if any(until in (event.type, event.payload.get("shape_key")) for event in events):
            state = {"engine": engine.snapshot(), "first_ms": 0, "last_ms": frame.timestamp_ms}
            return Work(pack(state), number, tuple(events))
    raise AssertionError(f"The squat never came to {until}.")


def midway() -> Work:
    """A repetition has begun: the engine's finish interrupts it."""
    return squatted("bottom")


def whole() -> Work:
    """A repetition is complete: the engine's finish adds nothing."""
    return squatted("event_completed")
