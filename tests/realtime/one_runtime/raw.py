"""A websocket down to its bytes, for what no client library would send."""

import base64
import os
import socket
import struct
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from tests.waiting import DEADLINE_SECONDS

TEXT, BINARY, CLOSE, PING, PONG, CONTINUATION = 1, 2, 8, 9, 10, 0
# A pong that nobody asked for: it comes every 3 s.
PULSE = bytes([0x80 | PONG, 0])


def connect(port: int, receive_buffer: int | None = None) -> socket.socket:
    raw = socket.socket()
    if receive_buffer is not None:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    raw.settimeout(DEADLINE_SECONDS)
    raw.connect(("127.0.0.1", port))
    return raw


def upgrade_request(path: str, *headers: str, method: str = "GET", **replaced: str | None) -> bytes:
    """A handshake; `Sec_WebSocket_Key=None` leaves that header out."""
    fields: dict[str, str | None] = {
        "Host": "127.0.0.1",
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode(),
        "Sec-WebSocket-Version": "13",
    }
    fields.update({name.replace("_", "-"): value for name, value in replaced.items()})
    lines = [f"{method} {path} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in fields.items() if value is not None]
    return "\r\n".join([*lines, *headers, "", ""]).encode("latin-1")


def attach(created: dict[str, Any], receive_buffer: int | None = None) -> "RawSocket":
    """Upgraded with the session's token, and told the first message."""
    raw = upgrade(created["stream_url"], created["runtime_token"], receive_buffer)
    opcode, _ = raw.read_frame()
    assert opcode == TEXT
    return raw


def upgrade(stream_url: str, token: str, receive_buffer: int | None = None) -> "RawSocket":
    url = urlsplit(stream_url)
    assert url.port is not None
    raw = RawSocket(connect(url.port, receive_buffer))
    raw.socket.sendall(upgrade_request(f"{url.path}?runtime_token={token}"))
    head = raw.read_head()
    assert head.startswith(b"HTTP/1.1 101 "), head
    return raw


def frame(
    opcode: int, payload: bytes = b"", *, fin: bool = True, mask: bool = True, rsv: int = 0
) -> bytes:
    """A frame as a client sends it; the mask is zeros, so the payload can be read."""
    first = (0x80 if fin else 0) | rsv << 4 | opcode
    masked = 0x80 if mask else 0
    if len(payload) < 126:
        head = struct.pack("!BB", first, masked | len(payload))
    elif len(payload) < 65536:
        head = struct.pack("!BBH", first, masked | 126, len(payload))
    else:
        head = struct.pack("!BBQ", first, masked | 127, len(payload))
    return head + (bytes(4) if mask else b"") + payload


class RawSocket:
    def __init__(self, raw: socket.socket) -> None:
        self.socket = raw
        self._unread = b""

    def send(self, *frames: bytes) -> None:
        self.socket.sendall(b"".join(frames))

    def read_head(self) -> bytes:
        while b"\r\n\r\n" not in self._unread:
            self._unread += self._more()
        head, _, self._unread = self._unread.partition(b"\r\n\r\n")
        return head

    def read_frame(self) -> tuple[int, bytes]:
        head = self._read(2)
        while head == PULSE:
            head = self._read(2)
        assert head[0] & 0x80, "the server does not fragment"
        assert not head[1] & 0x80, "a server does not mask"
        length = head[1] & 0x7F
        if length == 126:
            length = struct.unpack("!H", self._read(2))[0]
        elif length == 127:
            length = struct.unpack("!Q", self._read(8))[0]
        return head[0] & 0x0F, self._read(length)

    def read_text(self) -> bytes:
        """The next message. A server that waits for long sends pings of its transport between."""
        kind, payload = self.read_frame()
        while kind != TEXT:
            kind, payload = self.read_frame()
        return payload

    def frames_to_the_end(self) -> Iterator[tuple[int, bytes]]:
        """Frames until the server closes the connection, with or without a close frame."""
        while True:
            try:
                yield self.read_frame()
            except (ConnectionError, EOFError):
                return

    def close_code(self) -> int | None:
        """Read to the end: the code of the server's close frame, None where there was none."""
        return self.closed()[0]

    def closed(self) -> tuple[int | None, str]:
        """The same, with the reason."""
        code, reason = None, ""
        for opcode, payload in self.frames_to_the_end():
            if opcode == CLOSE:
                code, reason = struct.unpack("!H", payload[:2])[0], payload[2:].decode()
        return code, reason

    def close(self) -> None:
        self.socket.close()

    def _read(self, size: int) -> bytes:
        while len(self._unread) < size:
            self._unread += self._more()
        data, self._unread = self._unread[:size], self._unread[size:]
        return data

    def _more(self) -> bytes:
        data = self.socket.recv(65536)
        if not data:
            raise EOFError
        return data
