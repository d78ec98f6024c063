"""A client of the stream made of an independent library, and sessions for it to attach to."""

import json
from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import urlencode

import msgspec
import websocket

from clients.python.wire import FrameBatch, packed
from detection import LANDMARK_NAMES, PoseFrame
from movespecs.models import MoveSpec
from tests.conftest import Machine
from tests.waiting import DEADLINE_SECONDS

SQUAT = """\
name: squat
version: "1"
detection:
  type: repetition
  movement:
    name: squat
    phases:
      - {name: standing, criteria: [{joint: knee, angle_min: 150}]}
      - {name: bottom, criteria: [{joint: knee, angle_max: 115}]}
    sequence: [standing, bottom, standing]
"""


def wire_frame(frame: PoseFrame, seq: int, **more: Any) -> dict[str, Any]:
    """A pose frame as clients send it."""
    return {
        "timestamp_ms": frame.timestamp_ms,
        "pose_schema": "mediapipe_pose_landmarker/v1",
        "landmarks": [
            {"name": name, "x": point.x, "y": point.y, "z": point.z, "visibility": 0.99}
            for name, point in zip(LANDMARK_NAMES, frame.landmarks, strict=True)
        ],
        "confidence": 0.9,
        "frame_seq": seq,
        **more,
    }


def wire_frames(frames: Iterable[PoseFrame], first: int = 1) -> list[dict[str, Any]]:
    return [wire_frame(frame, seq) for seq, frame in enumerate(frames, first)]


def batches(frames: Sequence[dict[str, Any]], size: int) -> list[list[dict[str, Any]]]:
    return [list(frames[start : start + size]) for start in range(0, len(frames), size)]


def create(machine: Machine, movespec: MoveSpec, stream_url: str, **more: Any) -> dict[str, Any]:
    """A created session; its `stream_url` leads to the runtime at `stream_url`."""
    response = machine.create_session(movespec, **more)
    assert response.status_code == 201, response.content
    created: dict[str, Any] = response.json()
    return created | {"stream_url": f"{stream_url}/{created['session_id']}"}


class Client:
    """One websocket. What it was told is kept in `told`, in order."""

    def __init__(
        self,
        created: dict[str, Any],
        query: bool = True,
        timeout: float = DEADLINE_SECONDS,
        **options: Any,
    ) -> None:
        url = created["stream_url"]
        if query:
            url += "?" + urlencode({"runtime_token": created["runtime_token"]})
        # The library sends an Origin by itself, as only browsers should.
        options.setdefault("suppress_origin", "origin" not in options)
        self.socket = websocket.create_connection(url, timeout=timeout, **options)
        self._is_packed = self.socket.getheaders().get("sec-websocket-protocol") == "kyna.v2"
        self.told: list[dict[str, Any]] = []
        self.close_code: int | None = None
        self.close_reason = ""

    def send(self, message: Any) -> None:
        self.socket.send(message if isinstance(message, str) else json.dumps(message))

    def send_together(self, *messages: Any) -> None:
        """In one piece, as the server then reads them."""
        frames = (websocket.ABNF.create_frame(json.dumps(one), 1).format() for one in messages)
        self.socket.sock.sendall(b"".join(frames))

    def next(self) -> dict[str, Any] | None:
        """The next message, or None once the server has closed, with `close_code` and a reason."""
        opcode, data = self.socket.recv_data(control_frame=True)
        while opcode in (websocket.ABNF.OPCODE_PING, websocket.ABNF.OPCODE_PONG):
            opcode, data = self.socket.recv_data(control_frame=True)
        if opcode == websocket.ABNF.OPCODE_CLOSE:
            self.close_code = int.from_bytes(data[:2], "big")
            self.close_reason = data[2:].decode()
            assert self.close_reason, "each close of the server's says why"
            return None
        message: dict[str, Any] = json.loads(data)
        self.told.append(message)
        if message["type"] == "frame_ack":
            indexes = [frame["index"] for frame in message["rejected_frames"]]
            assert indexes == message["rejected_frame_indexes"]
        return message

    def expect(self, kind: str) -> dict[str, Any]:
        message = self.next()
        assert message is not None, (self.close_code, self.told[-3:])
        assert message["type"] == kind, message
        return message

    def until(self, kind: str) -> dict[str, Any]:
        while True:
            message = self.next()
            assert message is not None, (self.close_code, self.told[-3:])
            if message["type"] == kind:
                return message

    def to_the_end(self) -> int:
        while self.next() is not None:
            pass
        assert self.close_code is not None
        return self.close_code

    def send_batch(self, batch_seq: int, frames: Sequence[dict[str, Any]]) -> None:
        batch = {"type": "frame_batch", "batch_seq": batch_seq, "frames": list(frames)}
        if self._is_packed:
            self.socket.send_binary(packed(msgspec.convert(batch, FrameBatch)))
        else:
            self.send(batch)

    def reasons(self, batch_seq: int, frames: Sequence[Any]) -> dict[int, str]:
        """Why which of these frames are rejected, by their index."""
        self.send_batch(batch_seq, frames)
        ack = self.until("frame_ack")
        assert ack["batch_seq"] == batch_seq
        assert ack["accepted_frame_count"] == len(frames) - len(ack["rejected_frames"])
        return {frame["index"]: frame["reason"] for frame in ack["rejected_frames"]}

    def details(self, batch_seq: int, frames: Sequence[Any]) -> dict[int, str | None]:
        """The detail of each of these frames that is rejected, by its index."""
        self.send_batch(batch_seq, frames)
        rejected = self.until("frame_ack")["rejected_frames"]
        return {frame["index"]: frame.get("detail") for frame in rejected}

    def await_answers(self) -> None:
        """Until the runtime has taken in what any client has sent to it before."""
        for _ in range(3):
            self.send({"type": "ping"})
            self.expect("pong")

    def events(self) -> list[dict[str, Any]]:
        return [
            event
            for message in self.told
            if message["type"] == "event_batch"
            for event in message["events"]
        ]

    def drop(self) -> None:
        """End the connection without a word."""
        self.socket.sock.close()


def attached(created: dict[str, Any], **options: Any) -> Client:
    """A client that has been told its first message."""
    client = Client(created, **options)
    client.expect("session_update")
    return client
