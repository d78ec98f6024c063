"""The status lines of a client, and its bar of acknowledged frames below the events."""

from collections.abc import Callable, Mapping, Sequence
from shutil import get_terminal_size
from typing import Self, TextIO

from tqdm import tqdm

from clients.python.stream import StreamListener
from clients.python.wire import Event, FrameAck, HoldProgress, Readiness


def waiting(seconds: float, why: str) -> str:
    return f"Waiting for {seconds:.0f} s, then trying again: {why}"


def late(seconds: float) -> str:
    return f"No answer for {seconds:g} s. Waiting …"


def rejected(rejections: Mapping[str, int], details: Mapping[str, str]) -> str:
    """`3 frames were rejected: 2 too_many_frames, 1 malformed_frame (frame_seq is required).`"""
    frames = sum(rejections.values())
    were = "1 frame was" if frames == 1 else f"{frames} frames were"
    shown = {reason: f" ({detail})" for reason, detail in details.items()}
    reasons = ", ".join(
        f"{count} {name}{shown.get(name, '')}" for name, count in rejections.items()
    )
    return f"{were} rejected: {reasons}."


def missing(names: Sequence[str]) -> str:
    """`Nothing counts yet, for want of: left_heel, view.`"""
    return f"Nothing counts yet, for want of: {', '.join(names)}."


def attempts(reasons: Mapping[str, int]) -> str:
    """`2 attempts did not count: 1 not_reached, 1 pose_lost.`"""
    total = sum(reasons.values())
    counts = ", ".join(f"{count} {reason}" for reason, count in sorted(reasons.items()))
    return f"{total} {'attempt' if total == 1 else 'attempts'} did not count: {counts}."


class ProgressBar(StreamListener):
    """A bar on `bar_file`, if that is a terminal. `on_event` prints an event above it."""

    def __init__(
        self, frames: int, *, on_event: Callable[[Event], object] | None, bar_file: TextIO
    ) -> None:
        self._on_event = on_event
        self._bar_file = bar_file
        self._is_awaited = False
        self._bar = tqdm(
            total=frames,
            unit=" frames",
            file=bar_file,
            disable=not bar_file.isatty(),
            leave=False,
            # A terminal that does not say its width still gets a bar.
            ncols=get_terminal_size().columns,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()

    def events_came(self, events: list[Event]) -> None:
        if self._on_event is None:
            return
        with self._bar.external_write_mode(file=self._bar_file):
            for event in events:
                self._on_event(event)

    def batch_acknowledged(self, ack: FrameAck, frames: int) -> None:
        self._bar.update(frames)
        if rejections := ack.rejections():
            self._bar.write(rejected(rejections, ack.details()), file=self._bar_file)

    def readiness_changed(self, readiness: Readiness) -> None:
        if readiness.state == "positioning" and readiness.missing:
            self._is_awaited = True
            self._bar.write(missing(readiness.missing), file=self._bar_file)
        elif readiness.state == "ready" and self._is_awaited:
            self._is_awaited = False
            self._bar.write("Ready: it counts.", file=self._bar_file)

    def hold_followed(self, hold: HoldProgress) -> None:
        self._bar.set_postfix_str(f"held {hold.held_ms / 1000:.1f} s")

    def ack_is_late(self, seconds: float) -> None:
        self._bar.write(late(seconds), file=self._bar_file)

    def connection_lost(self, why: str) -> None:
        self._bar.write(f"The connection was lost ({why}): attaching again.", file=self._bar_file)

    def asked_to_wait(self, seconds: float, why: str) -> None:
        self._bar.write(waiting(seconds, why), file=self._bar_file)
