"""The progress bar of a streamed session: acknowledged frames, and above it the events."""

from collections.abc import Callable
from shutil import get_terminal_size
from typing import Self, TextIO

from tqdm import tqdm

from clients.python import status_lines
from clients.python.listener import StreamListener
from clients.python.wire import Event, FrameAck, HoldProgress, Readiness


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
            self._bar.write(status_lines.rejected(rejections, ack.details()), file=self._bar_file)

    def readiness_changed(self, readiness: Readiness) -> None:
        if readiness.state == "positioning" and readiness.missing:
            self._is_awaited = True
            self._bar.write(status_lines.missing(readiness.missing), file=self._bar_file)
        elif readiness.state == "ready" and self._is_awaited:
            self._is_awaited = False
            self._bar.write("Ready: it counts.", file=self._bar_file)

    def hold_followed(self, hold: HoldProgress) -> None:
        self._bar.set_postfix_str(f"held {hold.held_ms / 1000:.1f} s")

    def ack_is_late(self, seconds: float) -> None:
        self._bar.write(status_lines.late(seconds), file=self._bar_file)

    def connection_lost(self, why: str) -> None:
        self._bar.write(f"The connection was lost ({why}): attaching again.", file=self._bar_file)

    def told_to_wait(self, seconds: float, why: str) -> None:
        self._bar.write(status_lines.waiting(seconds, why), file=self._bar_file)
