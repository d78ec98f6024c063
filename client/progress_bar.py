"""A streamed session on a terminal: a bar of acknowledged frames, events above it as they come."""

from collections.abc import Callable
from shutil import get_terminal_size
from types import TracebackType
from typing import Self, TextIO

from tqdm import tqdm

from client.listener import StreamListener
from client.wire import Event, FrameAck
from replay.event_lines import EventLines, rejections_told


class Progress(StreamListener):
    """The bar is drawn on `bar_file` if that is a terminal; `say`, if any, is given the lines."""

    def __init__(
        self, frames: int, *, say: Callable[[str], object] | None, bar_file: TextIO
    ) -> None:
        self._say = say
        self._bar_file = bar_file
        self._lines = EventLines()
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

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._bar.close()

    def events_came(self, events: list[Event]) -> None:
        if self._say is None:
            return
        with self._bar.external_write_mode(file=self._bar_file):
            for event in events:
                self._say(self._lines.line(event))

    def batch_acknowledged(self, ack: FrameAck, frames: int) -> None:
        self._bar.update(frames)
        if rejections := ack.rejections():
            self._bar.write(rejections_told(rejections), file=self._bar_file)

    def connection_lost(self, why: str) -> None:
        self._bar.write(f"The connection was lost ({why}): attaching again.", file=self._bar_file)

    def told_to_wait(self, seconds: float, why: str) -> None:
        self._bar.write(waiting_told(seconds, why), file=self._bar_file)


def waiting_told(seconds: float, why: str) -> str:
    return f"Waiting for {seconds:.0f} s, then trying again: {why}"
