"""Sessions that stream through the proxy, each by the documented client in a thread of its own."""

import threading
import time
from typing import Any

from clients.python.stream import StreamClient, StreamListener
from clients.python.wire import FrameAck
from tests.deploy.faults.film import BATCH_SECONDS, FIGURES, Film, poses_of

# Longer than anything is away.
DEADLINE_SECONDS = 1200.0
BEHIND_SECONDS = 1.5


class Abandoned(Exception):
    """The run is over before the stream is."""


class Streaming(StreamListener):
    """One session; `failure` says what ended it before its time."""

    def __init__(self, created: dict[str, Any], figure: int, film: Film) -> None:
        self.session_id: str = created["session_id"]
        self.figure = figure
        self.acknowledged_at: list[float] = []
        self.failure: str | None = None
        self.is_abandoned = False
        self.client = StreamClient(
            created["stream_url"],
            created["runtime_token"],
            listener=self,
            deadline_seconds=DEADLINE_SECONDS,
            pause=self._pause,
        )
        self.film = film
        self._thread = threading.Thread(target=self._run, name=self.session_id, daemon=True)

    def start(self) -> None:
        self._thread.start()

    @property
    def has_ended(self) -> bool:
        return not self._thread.is_alive()

    @property
    def is_live(self) -> bool:
        """Whether it is acknowledged as fast as the camera turns; a failed one never will be."""
        behind = self.film.batches_by_now() - len(self.acknowledged_at)
        return self.has_ended or behind * BATCH_SECONDS <= BEHIND_SECONDS

    def batch_acknowledged(self, ack: FrameAck, frames: int) -> None:
        self.acknowledged_at.append(time.monotonic())

    def _run(self) -> None:
        try:
            with self.client as client:
                client.attach()
                batch = 0
                while self.film.goes_on_after(batch):
                    client.wait(self.film.seconds_until(batch))
                    self._pause(0)
                    client.send(poses_of(self.figure, batch))
                    batch += 1
                client.finalize()
        except Exception as error:  # noqa: BLE001 - the judgement tells it
            self.failure = f"{type(error).__name__}: {error}"

    def _pause(self, seconds: float) -> None:
        if self.is_abandoned:
            raise Abandoned
        time.sleep(seconds)


def stream(sessions: list[dict[str, Any]], film: Film) -> list[Streaming]:
    """Start one for each of these created sessions."""
    streams = [Streaming(one, number % FIGURES, film) for number, one in enumerate(sessions)]
    for one in streams:
        one.start()
    return streams


def abandon(streams: list[Streaming]) -> None:
    """Those that have not ended do so at their next try."""
    for one in streams:
        one.is_abandoned = True
