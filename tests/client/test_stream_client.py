"""What only the client in Python has; test_both_clients.py has what every client does."""

import threading
import time

import msgspec
import pytest

from clients.python import stream as stream_module
from clients.python.closes import StreamRefusedError
from clients.python.listener import StreamListener
from clients.python.stream import StreamClient, StreamLostError
from clients.python.wire import Event, FrameAck, SessionDone, decode
from detection import Landmark, PoseFrame
from dev.local_stack.ports import free_port
from tests.client.cases import first_acknowledged
from tests.client.scripted_server import SESSION_ID, Message, Peer, ScriptedServer, scripted
from tests.long_runs import at_length
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


class Told(StreamListener):
    def __init__(self) -> None:
        self.events: list[str] = []
        self.lost: list[str] = []
        self.waits: list[tuple[float, str]] = []
        self.late: list[float] = []
        self.was_late = threading.Event()

    def ack_is_late(self, seconds: float) -> None:
        self.late.append(seconds)
        self.was_late.set()

    def events_came(self, events: list[Event]) -> None:
        self.events += [event.event_id for event in events]

    def connection_lost(self, why: str) -> None:
        self.lost.append(why)

    def told_to_wait(self, seconds: float, why: str) -> None:
        self.waits.append((seconds, why))


def client(server: ScriptedServer, **options: object) -> StreamClient:
    return StreamClient(server.url, TOKEN, **{"pause": Waits(), **options})  # type: ignore[arg-type]


def finish(peer: Peer) -> None:
    assert peer.hear() == {"type": "finalize"}
    peer.done(2)
    peer.socket.close(1000)


def test_it_attaches_by_the_header_and_tells_each_batch_s_number() -> None:
    def script(peer: Peer) -> None:
        peer.greet()
        for _ in range(2):
            peer.ack(peer.hear())
        finish(peer)

    with scripted(script) as server, client(server) as stream:
        stream.attach()
        assert stream.send(poses(2)) == 1
        assert stream.send(poses(1)) == 2
        stream.finalize()
    assert server.credentials == [f"Bearer {TOKEN}"]


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


def test_what_was_not_acknowledged_is_sent_again_and_events_come_once() -> None:
    def second(peer: Peer) -> None:
        peer.greet(last_batch_seq=2, last_frame_seq=2)
        batch = peer.hear()
        peer.events(batch, "b", "c")
        peer.ack(batch, accepted_frame_count=0, rejected_frame_indexes=[0])
        peer.ack(peer.hear())
        finish(peer)

    told = Told()
    with scripted(first_acknowledged, second) as server, client(server, listener=told) as stream:
        stream.attach()
        for _ in range(3):
            stream.send(poses(1))
        stream.finalize()
    assert server.heard[1][:2] == server.heard[0][1:]
    assert [message["batch_seq"] for message in server.heard[0]] == [1, 2, 3]
    assert told.events == [event.event_id for event in stream.events] == ["a", "b", "c"]
    assert told.lost == ["closed with 1012"]
    assert stream.attaches == 2


def test_an_end_that_was_missed_is_read_from_the_refusal() -> None:
    def first(peer: Peer) -> None:
        peer.greet()
        peer.hear()
        peer.socket.close(1012)

    def second(peer: Peer) -> None:
        peer.refuse(
            4410,
            "session_already_ended",
            status="completed",
            terminal_outcome="completed",
            accepted_frames_total=7,
        )

    with scripted(first, second) as server, client(server) as stream:
        stream.attach()
        done = stream.finalize()
    assert done == SessionDone(SESSION_ID, "completed", 7, "completed", None)
    assert stream.has_missed_the_end is True
    assert stream.accepted_frames_total == 7


@pytest.mark.parametrize(
    ("close_code", "error_code"),
    [
        (4400, "message_invalid"),
        (4401, "runtime_token_expired"),
        (4403, "project_suspended"),
        (4404, "not_found"),
        (4409, "session_superseded"),
        (4413, "batch_too_large"),
    ],
)
def test_a_refusal_for_good_ends_it(close_code: int, error_code: str) -> None:
    with (
        scripted(lambda peer: peer.refuse(close_code, error_code)) as server,
        client(server) as stream,
        pytest.raises(StreamRefusedError) as refused,
    ):
        stream.attach()
    assert refused.value.close_code == close_code
    assert refused.value.fault is not None
    assert refused.value.fault.code == error_code
    assert str(refused.value) == f"The stream was closed with {close_code} ({error_code}: No.)"
    assert len(server.heard) == 1


def test_it_waits_as_long_as_the_server_asks() -> None:
    def second(peer: Peer) -> None:
        peer.greet()
        finish(peer)

    waits = Waits()
    with (
        scripted(lambda peer: peer.refuse(4429, "rate_limited", retry_after_seconds=7), second)
        as server,
        client(server, pause=waits) as stream,
    ):  # fmt: skip
        stream.attach()
        stream.finalize()
    [wait] = waits
    assert 7.05 <= wait <= 7.1


def test_it_waits_while_a_proxy_finds_no_server_and_says_so() -> None:
    def lost(peer: Peer) -> None:
        peer.greet()
        peer.ack(peer.hear())
        peer.hear()
        peer.socket.close(1012)

    def served(peer: Peer) -> None:
        peer.greet()
        finish(peer)

    waits, told = Waits(), Told()
    with (
        scripted(
            lost, (502, {}), (503, {"Retry-After": "5"}), (429, {"Retry-After": "7"}), served
        ) as server,
        client(server, pause=waits, listener=told) as stream,
    ):
        stream.send(poses(1))
        stream.finalize()
    bounds = [(0.05, 0.1), (0.1, 0.2), (5.2, 5.4), (7.4, 7.8)]
    assert len(waits) == len(bounds)
    assert all(low <= wait <= high for wait, (low, high) in zip(waits, bounds, strict=True))
    assert told.lost == ["closed with 1012"]
    assert told.waits == [
        (5.0, "server rejected WebSocket connection: HTTP 503"),
        (7.0, "server rejected WebSocket connection: HTTP 429"),
    ]
    assert (stream.attaches, len(server.heard)) == (2, 5)


def test_it_gives_up_where_it_is_told_to_wait_beyond_its_deadline() -> None:
    waits = Waits()
    with (
        scripted((503, {"Retry-After": "3601"})) as server,
        client(server, pause=waits) as stream,
        pytest.raises(StreamLostError, match="503"),
    ):
        stream.attach()
    assert (waits, len(server.heard)) == ([], 1)


def test_what_a_proxy_refuses_for_good_ends_it() -> None:
    waits = Waits()
    with (
        scripted((404, {})) as server,
        client(server, pause=waits) as stream,
        pytest.raises(StreamRefusedError) as refused,
    ):
        stream.attach()
    assert (refused.value.close_code, waits, len(server.heard)) == (404, [], 1)


@at_length("is_finalize", True, False)
def test_it_leaves_a_server_that_is_frozen_while_an_answer_is_due(is_finalize: bool) -> None:
    has_come = threading.Event()
    went_on: list[bool] = []

    def frozen(peer: Peer) -> None:
        peer.greet()
        batch = peer.hear()
        if is_finalize:
            peer.ack(batch)
            peer.hear()
        with peer.frozen():
            went_on.append(has_come.wait(DEADLINE_SECONDS))

    def second(peer: Peer) -> None:
        has_come.set()
        peer.greet()
        if not is_finalize:
            peer.ack(peer.hear())
        finish(peer)

    told = Told()
    with (
        scripted(frozen, second) as server,
        client(server, silent_seconds=3, listener=told) as stream,
    ):
        stream.send(poses(1))
        stream.finalize()
    assert told.lost == ["the server said nothing for 3 s"]
    assert went_on == [True]
    assert server.heard[1] == server.heard[0][-1:] + [{"type": "finalize"}] * (not is_finalize)


@pytest.mark.long
def test_a_server_that_owes_nothing_may_be_silent() -> None:
    def script(peer: Peer) -> None:
        peer.greet()
        peer.ack(peer.hear())
        peer.ack(peer.hear())
        finish(peer)

    with scripted(script) as server, client(server, silent_seconds=3) as stream:
        stream.send(poses(1))
        stream.drain()
        stream.wait(3.5)
        stream.send(poses(1))
        stream.finalize()
    assert (stream.attaches, len(server.heard)) == (1, 1)


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


def test_it_gives_up_when_nothing_answers_for_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    waits = Clock()
    monkeypatch.setattr("clients.python.stream.time", waits)
    url = f"ws://127.0.0.1:{free_port()}/api/detection/stream/{SESSION_ID}"
    with (
        StreamClient(url, TOKEN, deadline_seconds=20, pause=waits) as stream,
        pytest.raises(StreamLostError, match="refused"),
    ):
        stream.attach()
    assert 0.05 <= waits[0] <= 0.1
    assert max(waits) <= 3.0
    assert sum(waits[:-1]) <= 20 < sum(waits)


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


def test_waits_begin_anew_once_a_batch_is_acknowledged() -> None:
    def lost(peer: Peer) -> None:
        peer.greet()
        peer.socket.close(1012)

    def served_and_lost(peer: Peer) -> None:
        peer.greet()
        peer.ack(peer.hear())
        peer.socket.close(1012)

    def last(peer: Peer) -> None:
        peer.greet()
        peer.ack(peer.hear())
        finish(peer)

    waits = Waits()
    scripts = [lost, lost, lost, served_and_lost, last]
    with scripted(*scripts) as server, client(server, pause=waits) as stream:
        stream.send(poses(1))
        stream.drain()
        stream.send(poses(1))
        stream.finalize()
    bounds = [(0.05, 0.1), (0.1, 0.2), (0.2, 0.4), (0.05, 0.1)]
    assert len(waits) == len(bounds)
    assert all(low <= wait <= high for wait, (low, high) in zip(waits, bounds, strict=True))


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


def test_an_older_server_tells_no_reasons() -> None:
    ack = decode(
        '{"type": "frame_ack", "batch_seq": 1, "accepted_frame_count": 0, '
        '"accepted_frames_total": 0, "rejected_frame_indexes": [0]}'
    )
    assert isinstance(ack, FrameAck)
    assert (ack.rejected_frame_indexes, ack.rejections()) == ([0], {})


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


def test_a_message_of_another_protocol_is_an_error() -> None:
    with (
        scripted(lambda peer: peer.say("hello")) as server,
        client(server) as stream,
        pytest.raises(msgspec.ValidationError, match="hello"),
    ):
        stream.attach()


def test_an_ack_that_is_late_is_told_once_until_it_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream_module, "LATE_ACK_SECONDS", 0.1)
    told = Told()

    def script(peer: Peer) -> None:
        peer.greet()
        peer.ack(peer.hear())
        for _ in range(2):
            told.was_late.clear()
            batch = peer.hear()
            assert told.was_late.wait(DEADLINE_SECONDS)
            peer.say("ping")
            time.sleep(0.3)
            peer.ack(batch)
            assert peer.hear() == {"type": "pong"}
        finish(peer)

    with scripted(script) as server, client(server, listener=told) as stream:
        stream.attach()
        for _ in range(3):
            stream.send(poses(1))
            stream.drain()
            stream.wait(0.2)  # nothing waits for an ack
        stream.finalize()
    assert told.late == [0.1, 0.1]


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
