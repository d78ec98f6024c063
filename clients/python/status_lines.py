"""The status lines of a client."""

from collections.abc import Callable, Mapping
from typing import TextIO

from clients.python.stream import StreamListener
from clients.python.wire import Event, FrameAck, Readiness


def waiting(seconds: float, why: str) -> str:
    return f"Waiting for {seconds:.0f} s, then trying again: {why}"


def rejected(rejections: Mapping[str, int], details: Mapping[str, str]) -> str:
    """`3 frames were rejected: 2 too_many_frames, 1 malformed_frame (frame_seq is required).`"""
    frames = sum(rejections.values())
    were = "1 frame was" if frames == 1 else f"{frames} frames were"
    shown = {reason: f" ({detail})" for reason, detail in details.items()}
    reasons = ", ".join(
        f"{count} {name}{shown.get(name, '')}" for name, count in rejections.items()
    )
    return f"{were} rejected: {reasons}."


def attempts(reasons: Mapping[str, int]) -> str:
    """`2 attempts did not count: 1 not_reached, 1 pose_lost.`"""
    total = sum(reasons.values())
    counts = ", ".join(f"{count} {reason}" for reason, count in sorted(reasons.items()))
    return f"{total} {'attempt' if total == 1 else 'attempts'} did not count: {counts}."


class StatusLines(StreamListener):
    """Prints what the stream tells besides events to `file`. `on_event` prints an event."""

    def __init__(self, *, on_event: Callable[[Event], object] | None, file: TextIO) -> None:
        self._on_event = on_event
        self._file = file
        self._is_awaited = False

    def events_came(self, events: list[Event]) -> None:
        if self._on_event is not None:
            for event in events:
                self._on_event(event)

    def batch_acknowledged(self, ack: FrameAck, frames: int) -> None:
        if rejections := ack.rejections():
            self._say(rejected(rejections, ack.details()))

    def readiness_changed(self, readiness: Readiness) -> None:
        if readiness.state == "positioning" and readiness.missing:
            self._is_awaited = True
            self._say(f"Nothing counts yet, for want of: {', '.join(readiness.missing)}.")
        elif readiness.state == "ready" and self._is_awaited:
            self._is_awaited = False
            self._say("Ready: it counts.")

    def connection_lost(self, why: str) -> None:
        self._say(f"The connection was lost ({why}): attaching again.")

    def asked_to_wait(self, seconds: float, why: str) -> None:
        self._say(waiting(seconds, why))

    def _say(self, line: str) -> None:
        print(line, file=self._file, flush=True)
