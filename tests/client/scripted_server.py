"""A server of the stream that does what a test tells it, over real sockets."""

import contextlib
import json
import struct
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.sync.server import ServerConnection, serve
from websockets.typing import Subprotocol

from detection import LANDMARK_NAMES
from tests.waiting import DEADLINE_SECONDS

SESSION_ID = "0b8f7a52-5d0c-4a59-9d39-ff5fd20d7c1e"
Message = dict[str, Any]


class Peer:
    """One connection of a client; what it sent is kept."""

    def __init__(self, socket: ServerConnection, heard: list[Message]) -> None:
        self.socket = socket
        self.heard = heard
        # Once the client has come again.
        self.followed = threading.Event()

    def hear(self) -> Message:
        data = self.socket.recv(DEADLINE_SECONDS)
        message: Message = json.loads(data) if isinstance(data, str) else unpacked(data)
        self.heard.append(message)
        return message

    def say(self, type: str, **fields: Any) -> None:  # noqa: A002 - the message's own word
        self.socket.send(json.dumps({"type": type, **fields}))

    def greet(self, status: str = "streaming", **more: Any) -> None:
        self.say(
            "session_update",
            session_id=SESSION_ID,
            status=status,
            accepted_frames_total=0,
            terminal_outcome=None,
            **{"last_batch_seq": 0, "last_frame_seq": 0, **more},
        )

    def ack(self, batch: Message, **more: Any) -> None:
        count = len(batch["frames"])
        fields = {"accepted_frame_count": count, "accepted_frames_total": count, **more}
        none_rejected = {"rejected_frame_indexes": [], "rejected_frames": []}
        self.say("frame_ack", batch_seq=batch["batch_seq"], **{**none_rejected, **fields})

    def events(self, batch: Message, *ids: str) -> None:
        events = [
            {
                "event_id": id_,
                "session_id": SESSION_ID,
                "ts_ms": 40,
                "type": "shape_enter",
                "payload": {"shape_key": id_, "confidence": 1.0},
            }
            for id_ in ids
        ]
        self.say("event_batch", batch_seq=batch["batch_seq"], events=events)

    def done(self, accepted_frames_total: int = 0, **more: Any) -> None:
        fields = {"status": "completed", "terminal_outcome": "completed", "error": None, **more}
        self.say(
            "session_done",
            session_id=SESSION_ID,
            accepted_frames_total=accepted_frames_total,
            **fields,
        )

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """Inside, nothing is answered, not even a close: as by a process that stands still."""
        with self.socket.protocol_mutex:
            yield

    def refuse(self, code: int, error_code: str, **details: Any) -> None:
        error = {"code": error_code, "message": "No.", "retryable": False, "details": details}
        self.say("error", error=error)
        self.socket.close(code)


def unpacked(data: bytes) -> Message:
    """A batch of `kyna.v2` as it is in `kyna.v1`."""
    version, has_clock, count, zero, batch_seq, clock_ms = struct.unpack_from("<BBHIQd", data)
    assert (version, zero, len(data)) == (1, 0, 24 + 248 * count)
    frames = []
    for number in range(count):
        at = 24 + 248 * number
        frame_seq, ms, *steps = struct.unpack_from("<Qd99h33BB", data, at)
        landmarks = [
            {
                "name": name,
                **dict(zip("xyz", [one / 1000 for one in steps[3 * n : 3 * n + 3]], strict=True)),
                "visibility": None if steps[99 + n] == 255 else steps[99 + n] / 250,
            }
            for n, name in enumerate(LANDMARK_NAMES)
        ]
        frames.append(
            {
                "frame_seq": frame_seq,
                "timestamp_ms": ms,
                "landmarks": landmarks,
                "pose_schema": "mediapipe_pose_landmarker/v1",
                "confidence": steps[-1] / 250,
                "source": None,
            }
        )
    clock = {"clock_ms": clock_ms} if has_clock else {}
    return {"type": "frame_batch", "batch_seq": batch_seq, "frames": frames, **clock}


Script = Callable[[Peer], None]
# Instead of a script: the HTTP status and the headers of what a proxy answers.
Refusal = tuple[int, dict[str, str]]


class ScriptedServer:
    """`heard` has a list of messages for each connection there was."""

    def __init__(self, scripts: tuple[Script | Refusal, ...], subprotocols: Sequence[str]) -> None:
        self.scripts = list(scripts)
        # Of each connection, the last of those after it too.
        self.subprotocols = subprotocols
        self.heard: list[list[Message]] = []
        # How each asked to attach: the header, or else the subprotocols.
        self.credentials: list[str | None] = []
        self.peers: list[Peer] = []
        self.url = ""

    def refuse(self, socket: ServerConnection, _: Request) -> Response | None:
        match self.scripts[len(self.heard) : len(self.heard) + 1]:
            case [(int(status), dict(headers))]:
                self.heard.append([])
                answer = socket.respond(status, "")
                answer.headers.update(headers)
                return answer
        return None

    def serve(self, socket: ServerConnection) -> None:
        heard: list[Message] = []
        self.heard.append(heard)
        headers = socket.request.headers if socket.request else {}
        self.credentials.append(
            headers.get("Authorization") or headers.get("Sec-WebSocket-Protocol")
        )
        with contextlib.suppress(ConnectionClosed):
            peer = Peer(socket, heard)
            for earlier in self.peers:
                earlier.followed.set()
            self.peers.append(peer)
            match self.scripts[len(self.heard) - 1 : len(self.heard)]:
                case [script] if callable(script):
                    script(peer)
                case _:
                    peer.refuse(4404, "one_attach_too_many")

    def select(self, _: ServerConnection, offered: Sequence[Subprotocol]) -> Subprotocol | None:
        number = min(len(self.heard), len(self.subprotocols) - 1)
        known = Subprotocol(self.subprotocols[number])
        return known if known in offered else None


@contextlib.contextmanager
def scripted(
    *scripts: Script | Refusal, subprotocols: Sequence[str] = ("kyna.v1",)
) -> Iterator[ScriptedServer]:
    """A server whose first connection follows the first script, and so on."""
    scripted_server = ScriptedServer(scripts, subprotocols)
    with serve(
        scripted_server.serve,
        "127.0.0.1",
        0,
        select_subprotocol=scripted_server.select,
        process_request=scripted_server.refuse,
    ) as server:
        port = server.socket.getsockname()[1]
        scripted_server.url = f"ws://127.0.0.1:{port}/api/detection/stream/{SESSION_ID}"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield scripted_server
        finally:
            server.shutdown()
            thread.join()
