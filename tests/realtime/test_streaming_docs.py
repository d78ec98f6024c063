"""docs/streaming.md: its lists are the code's, and its client in Python works as it stands."""

import json
import re
from types import SimpleNamespace
from typing import Any, get_args

import pytest

from clients.python import wire
from detection import LANDMARK_NAMES
from dev.local_stack.environment import PROJECT
from realtime import messages
from realtime.frames import Frame, RejectReason
from tests.client.scripted_server import Message, Peer, ScriptedServer, scripted

TEXT = (PROJECT / "docs" / "streaming.md").read_text()
TOKEN = "runtime.token.signature"


def code(language: str, containing: str) -> str:
    blocks = re.findall(rf"^```{language}\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
    return next(block for block in blocks if containing in block)


def client_in_python() -> dict[str, Any]:
    """The page's client, without what it does as a program."""
    functions, main, _ = code("python", "def follow").partition("\nif __name__ ==")
    assert main
    scope: dict[str, Any] = {}
    exec(functions, scope)  # noqa: S102 - it is our own page
    return scope


def dropped(peer: Peer) -> None:
    """Acknowledges one batch of three, and goes after the events of the second."""
    peer.greet()
    # Of a client that is still sending as the server goes, nobody knows what it has read.
    first, second, _ = peer.hear(), peer.hear(), peer.hear()
    peer.events(first, "a")
    peer.ack(first)
    peer.events(second, "b")
    peer.socket.close(1012)


def finished(peer: Peer) -> None:
    peer.greet(last_batch_seq=2, last_frame_seq=2)
    second = peer.hear()
    peer.events(second, "b", "c")
    peer.ack(second, accepted_frame_count=0, rejected_frame_indexes=[0])
    peer.say("ping")
    while (message := peer.hear())["type"] != "finalize":
        if message["type"] == "frame_batch":
            peer.ack(message)
    peer.done(3)
    peer.socket.close(1000)


def batches_heard(server: ScriptedServer) -> list[list[int]]:
    return [
        [message["batch_seq"] for message in heard if message["type"] == "frame_batch"]
        for heard in server.heard
    ]


def test_it_names_the_landmarks_in_their_order() -> None:
    listed = re.search(r"^nose, left_eye_inner, .*?(?=\n\n)", TEXT, re.MULTILINE | re.DOTALL)
    assert listed is not None
    names = tuple(listed[0].replace("\n", " ").split(", "))
    assert names == LANDMARK_NAMES == wire.LANDMARK_NAMES


def test_it_lists_the_reasons_why_a_frame_is_rejected_in_their_order() -> None:
    listed = re.findall(r"^\| `([a-z_]+)` \| (?:came|comes|is|has) ", TEXT, re.MULTILINE)
    assert listed == [reason.value for reason in RejectReason]
    assert listed == list(get_args(wire.RejectReason))


def objects(containing: str) -> list[dict[str, Any]]:
    """Of a block of JSON that has one after the other."""
    text, decoder, found = code("json", containing), json.JSONDecoder(), []
    while text := text.strip():
        value, end = decoder.raw_decode(text)
        found.append(value)
        text = text[end:]
    return found


def test_what_the_page_has_a_client_send_is_understood() -> None:
    sent = objects('"frame_batch"')
    nose, rest = sent[0]["frames"][0]["landmarks"]
    assert rest == "… 32 more"
    others = [{**nose, "name": name, "y": 0.1} for name in LANDMARK_NAMES if name != "nose"]
    sent[0]["frames"][0]["landmarks"] = [nose, *others]
    understood = [messages.decode(json.dumps(message)) for message in sent]
    kinds = ["FrameBatch", "FrameBatch", "Finalize", "Cancel", "Ping", "Pong"]
    assert [type(message).__name__ for message in understood] == kinds
    first, second = understood[:2]
    assert isinstance(first, messages.FrameBatch)
    assert isinstance(second, messages.FrameBatch)
    assert [isinstance(frame, Frame) for frame in first.frames] == [True]
    assert (second.frames, second.clock_ms) == ([], 2040)


def test_what_the_page_has_the_server_say_is_understood() -> None:
    said, events = objects('"session_update"'), objects('{"event_id"')
    [batch] = [message for message in said if message["type"] == "event_batch"]
    assert batch["events"] == ["…"]
    assert [event["type"] for event in events] == ["event_completed", "event_interrupted"]
    batch["events"] = events
    understood = [wire.decode(json.dumps(message)) for message in said]
    kinds = [
        *("SessionUpdate", "EventBatch", "FrameAck", "ErrorMessage"),
        *("Ping", "Pong", "SessionDone"),
    ]
    assert [type(message).__name__ for message in understood] == kinds


def test_the_client_in_python_works() -> None:
    scope = client_in_python()
    events: list[Message] = []
    with scripted(dropped, finished) as server:
        session = {"stream_url": server.url, "runtime_token": TOKEN}
        frames = [[{"frame_seq": number}] for number in (1, 2, 3)]
        done = scope["follow"](session, frames, events.append)
    assert done["accepted_frames_total"] == 3
    assert [event["event_id"] for event in events] == ["a", "b", "c"]
    assert server.credentials == [f"Bearer {TOKEN}"] * 2
    first, second = batches_heard(server)
    assert first == [1, 2, 3]
    assert second == [2, 3]
    assert {"type": "pong"} in server.heard[1]


def shown(signs: str, ms: int = 500) -> list[tuple[int, list[Any] | None]]:
    """What a camera shows every `ms`: `x` is a pose, `.` is none."""
    pose = [{"name": name, "x": 0.1, "y": 0.2, "z": 0.3} for name in LANDMARK_NAMES]
    return [(ms * number, pose if sign == "x" else None) for number, sign in enumerate(signs)]


def counts_and_clocks(heard: list[Message]) -> list[tuple[int, float | None]]:
    return [
        (len(message["frames"]), message.get("clock_ms"))
        for message in heard
        if message["type"] == "frame_batch"
    ]


def acknowledged(peer: Peer) -> None:
    """Says that it is there, and acknowledges whatever comes, to the end."""
    peer.greet()
    peer.events({"batch_seq": 1}, "there")
    while (message := peer.hear())["type"] != "finalize":
        if message["type"] == "frame_batch":
            peer.ack(message)
    peer.done()
    peer.socket.close(1000)


@pytest.mark.parametrize(
    ("signs", "told"),
    [
        ("........", [(0, 2000), (0, 3500)]),
        ("xxxxx", [(2, None), (2, None), (1, None)]),
        ("x...xx", [(2, None), (1, None)]),
        ("xx.......xx..", [(2, None), (0, 2500), (2, None), (0, 6000)]),
        ("x........x", [(1, None), (0, 2000), (0, 4000), (1, None)]),
    ],
)
def test_the_client_in_python_tells_the_clock(
    signs: str, told: list[tuple[int, float | None]]
) -> None:
    scope = client_in_python()
    with scripted(acknowledged) as server:
        session = {"stream_url": server.url, "runtime_token": TOKEN}
        scope["follow"](session, scope["batched"](shown(signs), size=2), lambda event: None)
    assert counts_and_clocks(server.heard[0]) == told
    numbers = [
        frame["frame_seq"] for message in server.heard[0][:-1] for frame in message["frames"]
    ]
    assert numbers == list(range(1, signs.count("x") + 1))


def test_the_client_in_python_waits_while_a_proxy_finds_no_server() -> None:
    waits: list[float] = []
    scope = client_in_python()
    scope["time"] = SimpleNamespace(sleep=waits.append)
    with scripted((502, {}), (503, {"Retry-After": "5"}), (504, {}), acknowledged) as server:
        session = {"stream_url": server.url, "runtime_token": TOKEN}
        scope["follow"](session, [[{"frame_seq": 1}]], lambda event: None)
    assert batches_heard(server) == [[], [], [], [1]]
    bounds = [(0.05, 0.1), (5.1, 5.2), (0.2, 0.4)]
    assert all(low <= wait <= high for wait, (low, high) in zip(waits, bounds, strict=True))


@pytest.mark.parametrize("status", [200, 404])
def test_the_client_in_python_ends_where_waiting_cannot_help(status: int) -> None:
    scope = client_in_python()
    with scripted((status, {}), finished) as server:
        session = {"stream_url": server.url, "runtime_token": TOKEN}
        with pytest.raises(RuntimeError) as ended:
            scope["follow"](session, [], print)
    assert ended.value.args == (status, {})
    assert len(server.heard) == 1
