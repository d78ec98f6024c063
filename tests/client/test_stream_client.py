"""What only the client in Python has; test_both_clients.py has what every client does."""

import time

import pytest

from clients.python.connection import StreamRefusedError
from clients.python.stream import StreamClient, StreamLostError
from detection import Landmark, PoseFrame
from tests.client.scripted_server import Message, Peer, ScriptedServer, scripted
from tests.waiting import DEADLINE_SECONDS

TOKEN = "runtime.token.signature"


def poses(count: int) -> list[PoseFrame]:
    return [
        PoseFrame(40.0 * number, (Landmark(0.1, 0.2, 0.3, 0.9),) * 33) for number in range(count)
    ]


class Waits(list[float]):
    """Stands for time.sleep, and keeps how long it was asked to wait."""

    def __call__(self, seconds: float) -> None:
        self.append(seconds)


class Clock(Waits):
    """Stands for the time module, whose time goes on by what it was asked to wait."""

    def monotonic(self) -> float:
        return sum(self)


def client(server: ScriptedServer, **options: object) -> StreamClient:
    return StreamClient(server.url, TOKEN, **{"pause": Waits(), **options})  # type: ignore[arg-type]


def finish(peer: Peer) -> None:
    assert peer.hear() == {"type": "finalize"}
    peer.done(2)
    peer.socket.close(1000)


def test_it_waits_for_acks_when_its_window_is_full() -> None:
    waiting: list[int] = []

    def script(peer: Peer) -> None:
        peer.greet()
        unanswered: list[Message] = []
        for _ in range(6):
            unanswered.append(peer.hear())
            waiting.append(len(unanswered))
            # The third may only come once the first is answered.
            if len(unanswered) == 2:
                peer.ack(unanswered.pop(0))
        for message in unanswered:
            peer.ack(message)
        finish(peer)

    with scripted(script) as server, client(server, window=2) as stream:
        stream.attach()
        for _ in range(6):
            stream.send(poses(1))
        stream.finalize()
    assert max(waiting) == 2


def test_it_gives_up_where_it_is_told_to_wait_beyond_its_deadline() -> None:
    waits = Waits()
    with (
        scripted((503, {"Retry-After": "3601"})) as server,
        client(server, pause=waits) as stream,
        pytest.raises(StreamLostError, match="503"),
    ):
        stream.attach()
    assert (waits, len(server.heard)) == ([], 1)


def test_a_word_of_the_server_is_waited_for_anew() -> None:
    """It pings while a batch waits: for a row that is held, or a database that is away."""

    def script(peer: Peer) -> None:
        peer.greet()
        batch = peer.hear()
        for _ in range(4):
            peer.say("ping")
            peer.hear()
            time.sleep(1)
        peer.ack(batch)
        finish(peer)

    with scripted(script) as server, client(server, silent_seconds=3) as stream:
        stream.send(poses(1))
        stream.finalize()
    assert (stream.attaches, len(server.heard)) == (1, 1)


def test_it_gives_up_when_every_attach_is_closed_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    waits = Clock()
    monkeypatch.setattr("clients.python.stream.time", waits)

    def script(peer: Peer) -> None:
        peer.greet()
        peer.socket.close(1012)

    with (
        scripted(*[script] * 20) as server,
        client(server, deadline_seconds=20, pause=waits) as stream,
    ):
        stream.attach()
        with pytest.raises(StreamLostError, match="1012"):
            stream.finalize()
    assert sum(waits[:-1]) <= 20 < sum(waits)
    assert len(server.heard) == len(waits) + 1


def test_it_pings_while_it_waits_with_nothing_to_send(monkeypatch: pytest.MonkeyPatch) -> None:
    """A recording may be quiet for longer than the server waits for a client."""
    monkeypatch.setattr("clients.python.stream.PING_SECONDS", 0.2)

    def script(peer: Peer) -> None:
        peer.greet()
        assert [peer.hear()["type"] for _ in range(3)] == ["ping"] * 3
        finish(peer)

    with scripted(script) as server, client(server) as stream:
        stream.attach()
        stream.wait(0.7)
        stream.finalize()
    assert len(server.heard) == 1


def test_a_session_that_ended_by_itself_takes_no_more() -> None:
    def script(peer: Peer) -> None:
        peer.greet()
        peer.ack(peer.hear())
        peer.done(1)
        peer.socket.close(1000)

    with scripted(script) as server, client(server, window=1) as stream:
        stream.attach()
        stream.send(poses(1))
        stream.wait(DEADLINE_SECONDS)
        stream.send(poses(1))
        assert stream.finalize() == stream.done
    assert len(server.heard[0]) == 1


def test_a_ping_before_the_attach_is_answered_and_is_no_service() -> None:
    """As of a server that waits for its database, and then closes."""

    def waits(peer: Peer) -> None:
        peer.say("ping")
        assert peer.hear() == {"type": "pong"}
        peer.socket.close(1012)

    waited = Waits()
    with (
        scripted(*[waits] * 6) as server,
        client(server, pause=waited) as stream,
        pytest.raises(StreamRefusedError),  # there is no seventh script
    ):
        stream.attach()
    assert len(waited) == 6
    assert waited[-1] > 1.5
