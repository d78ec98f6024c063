"""100 sessions come and go, and leave nothing behind in the process that served them."""

import os
import signal

import pytest
from raw import TEXT, attach, frame
from stage import Stage, processes_of
from streaming import Client, wire_frames

from dev.poses.figure import perform

CYCLES = 50
FRAMES = wire_frames(perform("squat", repetitions=1, fps=10))
MAX_GROWTH_MB = 15.0
PROGRAM = "tests.realtime.counted"


def held(stage: Stage) -> dict[str, int]:
    """How many of each thing of a socket the runtime has in memory, after its own collection."""
    (process,) = processes_of(stage.runtime)
    told = stage.runtime.log.read_text().count("held ")
    os.kill(process.pid, signal.SIGUSR1)
    stage.wait_for(lambda: stage.runtime.log.read_text().count("held ") > told)
    last = stage.runtime.log.read_text().rpartition("held ")[2].splitlines()[0]
    return {name: int(count) for name, count in (each.split("=") for each in last.split())}


def come_and_go(stage: Stage, number: int) -> None:
    """Attach, stream and leave: in every way in turn."""
    created = stage.create()
    match number % 5:
        case 0:
            client = Client(created)
            client.send_batch(1, FRAMES)
            client.until("frame_ack")
            client.send({"type": "finalize"})
            assert client.to_the_end() == 1000
        case 1:
            raw = attach(created)
            raw.send(frame(TEXT, b'{"type":"ping"}'))
            raw.close()
        case 2:
            first = Client(created)
            first.expect("session_update")
            second = Client(created)
            assert first.to_the_end() == 4409
            second.expect("session_update")
            second.socket.close()
        case 3:
            client = Client(created)
            client.send("no message")
            assert client.to_the_end() == 4400
        case 4:
            assert Client(created | {"runtime_token": "x"}).to_the_end() == 4401


@pytest.mark.long
def test_sessions_that_come_and_go_leave_nothing_behind(stage: Stage) -> None:
    for number in range(20):
        come_and_go(stage, number)
    _, client = stage.attach()
    assert {held(stage)[name] for name in ("Connection", "Socket", "WebSocketProtocol")} == {1}
    client.socket.close()
    stage.wait_until_alone()
    stage.wait_for(lambda: held(stage)["Connection"] == held(stage)["Socket"] == 0)
    first, before_mb = held(stage), stage.rss_mb()
    for number in range(CYCLES):
        come_and_go(stage, number)
    stage.wait_until_alone()
    # The last detach is noted a moment later, here and above.
    stage.wait_for(lambda: all(number <= first[name] for name, number in held(stage).items()))
    last, after_mb = held(stage), stage.rss_mb()
    print(f"\n{CYCLES} sessions: {before_mb:.1f} → {after_mb:.1f} MB; held {last}")  # noqa: T201
    assert (
        last["Connection"] == last["Socket"] == last["WebSocketProtocol"] == last["unattached"] == 0
    )
    assert stage.metrics()["kyna_stream_attached_sessions"] == 0
    assert after_mb - before_mb < MAX_GROWTH_MB
