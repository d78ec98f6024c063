"""A client that streams on while others misbehave, and notices nothing of them."""

import contextlib
import threading
from collections.abc import Iterator

from stage import Stage
from streaming import batches, wire_frames

from dev.poses.figure import perform

BATCH_FRAMES = 15
PAUSE_SECONDS = 0.05


class Bystander:
    def __init__(self, stage: Stage, repetitions: int) -> None:
        self.created, self._client = stage.attach()
        self._repetitions = repetitions
        frames = wire_frames(perform("squat", repetitions=repetitions, fps=30))
        self._batches = batches(frames, BATCH_FRAMES)
        self._is_served = threading.Event()
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._stream, daemon=True)

    def start(self) -> None:
        """Start it, and wait until it is served: the others may be over at once."""
        self._thread.start()
        assert self._is_served.wait(60)

    def _stream(self) -> None:
        """At its own pace, and the rest in a hurry once the others have had their time."""
        for batch_seq, batch in enumerate(self._batches, 1):
            self._client.send_batch(batch_seq, batch)
            ack = self._client.until("frame_ack")
            assert (ack["batch_seq"], ack["rejected_frame_indexes"]) == (batch_seq, [])
            if not self._is_over.is_set():
                self._is_served.set()
                self._is_over.wait(PAUSE_SECONDS)
        self._client.send({"type": "finalize"})
        assert self._client.to_the_end() == 1000

    def was_served(self) -> None:
        self._is_over.set()
        self._thread.join(60)
        assert not self._thread.is_alive()
        done = self._client.told[-1]
        assert (done["type"], done["status"]) == ("session_done", "completed"), done
        assert done["accepted_frames_total"] == sum(map(len, self._batches))
        types = [event["type"] for event in self._client.events()]
        assert types.count("event_completed") == self._repetitions


@contextlib.contextmanager
def unharmed_bystander(stage: Stage, repetitions: int = 20) -> Iterator[None]:
    """Someone streams while the block runs, and notices nothing of it."""
    bystander = Bystander(stage, repetitions)
    bystander.start()
    yield
    bystander.was_served()
