"""A client's websocket, and the waits before another."""

import math
import random
import socket
import time
from collections.abc import Iterator
from contextlib import suppress

from websockets.sync.client import connect
from websockets.typing import Subprotocol

from clients.python import wire

# With deploy/nginx.conf, nginx tries another server after 10 s.
OPEN_SECONDS = 20.0
# A live server sends a ping within 15 s, and gives up on its database within 25 s.
SILENT_SECONDS = 20.0
# A frozen server does not answer a close.
CLOSE_SECONDS = 1.0
# A server that does not read fills the buffers on the way, until a send blocks.
UNSENT_SECONDS = 30
# All events of a batch that is sent again come in one message.
MAX_MESSAGE_BYTES = 4 * 1024 * 1024


class ServerSilentError(ConnectionError):
    """The server was silent for so long that it is frozen or out of reach."""


class ClientSocket:
    """One websocket. Opening it raises OSError or InvalidHandshake, using it ConnectionClosed."""

    def __init__(self, url: str, token: str, silent_seconds: float) -> None:
        self._silent_seconds = silent_seconds
        self._silent_at = math.inf
        self._socket = connect(
            url,
            additional_headers={"Authorization": f"Bearer {token}"},
            subprotocols=[Subprotocol(name) for name in wire.SUBPROTOCOLS],
            compression=None,
            proxy=None,
            open_timeout=OPEN_SECONDS,
            close_timeout=CLOSE_SECONDS,
            max_size=MAX_MESSAGE_BYTES,
            legacy=True,
        )
        if hasattr(socket, "TCP_USER_TIMEOUT"):  # on Linux
            with suppress(OSError):  # closed already by a refusal, which is read later
                self._socket.socket.setsockopt(
                    socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 1000 * UNSENT_SECONDS
                )

    def send(self, message: wire.ClientMessage) -> None:
        if isinstance(message, wire.FrameBatch) and self._socket.subprotocol == wire.V2:
            self._socket.send(wire.packed(message))
        else:
            self._socket.send(wire.encode(message))

    def receive(self, seconds: float | None, *, is_due: bool) -> wire.ServerMessage:
        """The next message. Raises TimeoutError if none comes in `seconds`.

        `is_due` says that the server owes an answer. After `silent_seconds` of such calls without a
        message, raises ServerSilentError.
        """
        now = time.monotonic()
        if not is_due:
            self._silent_at = math.inf
        elif self._silent_at == math.inf:
            self._silent_at = now + self._silent_seconds
        left = self._silent_at - now
        wait = left if seconds is None else min(seconds, left)
        try:
            text = self._socket.recv(None if wait == math.inf else max(0.0, wait))
        except TimeoutError:
            if wait < left:
                raise
            raise ServerSilentError(
                f"the server said nothing for {self._silent_seconds:g} s"
            ) from None
        self._silent_at = math.inf
        return wire.decode(text)

    def close(self) -> None:
        self._socket.close()


class StreamRefusedError(Exception):
    """The stream refused this client for good, as `close_code` and `fault` say."""

    def __init__(self, close_code: int, fault: wire.Fault | None) -> None:
        self.close_code = close_code
        self.fault = fault
        reason = f"{fault.code}: {fault.message}" if fault else "no reason given"
        super().__init__(f"The stream was closed with {close_code} ({reason})")


def retry_after_seconds(header: str | None) -> float:
    """The seconds of a Retry-After header; 0 if there is none, or it is a date."""
    return float(header) if header and header.isdecimal() else 0.0


def backoff(shortest_seconds: float, longest_seconds: float) -> Iterator[float]:
    """Seconds to wait, forever: each time up to twice as long.

    They are random, so that clients which a restart cut off together spread out.
    """
    seconds = shortest_seconds
    while True:
        yield seconds * random.uniform(0.5, 1.0)  # noqa: S311
        seconds = min(2 * seconds, longest_seconds)
