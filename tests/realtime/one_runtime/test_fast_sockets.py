"""Sockets that send as fast as they are acknowledged, however much each message costs."""

import contextlib
import json
import statistics
import threading
import time
from collections.abc import Iterator

import pytest
from raw import TEXT, RawSocket, attach, frame
from stage import Stage, stage_on
from streaming import batches, wire_frames

from dev.poses.figure import perform

FAST = 8
# What takes longest to read of what was found: values that are no numbers.
NO_FRAME = f'{{"x":[{",".join(["NaN"] * 1740)}]}}'
SLOW_TO_READ = f'{{"type":"frame_batch","batch_seq":1,"frames":[{",".join([NO_FRAME] * 298)}]}}'
PAUSE_SECONDS = 0.05


@pytest.fixture(scope="module")
def stage(db: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with stage_on(tmp_path_factory.mktemp("runtime")) as stage:
        yield stage
        assert stage.faults() == []


class FastSockets:
    """`acknowledged` counts the batches of all of them."""

    def __init__(self, stage: Stage) -> None:
        self.acknowledged = 0
        self._is_over = threading.Event()
        self._lock = threading.Lock()
        self._sockets = [attach(stage.create()) for _ in range(FAST)]
        self._threads = [threading.Thread(target=self._stream, args=[one]) for one in self._sockets]

    def _stream(self, raw: RawSocket) -> None:
        message = frame(TEXT, SLOW_TO_READ.encode())
        while not self._is_over.is_set():
            raw.send(message)
            assert len(json.loads(raw.read_text())["rejected_frames"]) == 298
            with self._lock:
                self.acknowledged += 1

    @contextlib.contextmanager
    def streaming(self) -> Iterator[None]:
        for thread in self._threads:
            thread.start()
        while self.acknowledged < FAST:
            time.sleep(0.01)
        try:
            yield
        finally:
            self._is_over.set()
            for thread in self._threads:
                thread.join(60)
            for raw in self._sockets:
                raw.close()


@pytest.mark.long
def test_who_asks_for_little_does_not_wait_for_all_that_ask_for_much(stage: Stage) -> None:
    assert len(SLOW_TO_READ) > 1.9 * 2**20
    _, bystander = stage.attach()
    frames = wire_frames(perform("squat", repetitions=1, fps=30))
    served_meanwhile = []
    fast = FastSockets(stage)
    with fast.streaming():
        for batch_seq, batch in enumerate(batches(frames, 4)[:25], 1):
            before = fast.acknowledged
            assert bystander.reasons(batch_seq, batch) == {}
            served_meanwhile.append(fast.acknowledged - before)
            time.sleep(PAUSE_SECONDS)
    # Each of them once, and more, if it had to wait until it was its turn by order of arrival.
    assert statistics.median(served_meanwhile) <= FAST / 2, served_meanwhile
    assert fast.acknowledged > FAST
    bystander.drop()
