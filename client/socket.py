"""One websocket of a client, given up once the server says nothing though an answer is due."""

import contextlib
import socket
import time

from websockets.sync.client import connect

from client.wire import ClientMessage, ServerMessage, decode, encode

# nginx, as deploy/nginx.conf has it, asks another server after 10 s.
OPEN_SECONDS = 20.0
# A server that lives says something within 15 s, were it a ping, and within 25 s that it gives up.
SILENT_SECONDS = 20.0
# A frozen server answers no close.
CLOSE_SECONDS = 1.0
# What it does not read fills the buffers on the way, until a send waits too.
UNSENT_SECONDS = 30
# Events of a whole re-sent batch come in one message.
MOST_MESSAGE_BYTES = 4 * 1024 * 1024


class ServerSilentError(ConnectionError):
    """Nothing was heard for so long that the server is frozen, or out of reach."""


class ClientSocket:
    """Raises what websockets raises: OSError and InvalidHandshake here, else ConnectionClosed."""

    def __init__(self, url: str, token: str, silent_seconds: float) -> None:
        self._silent_seconds = silent_seconds
        self._waiting_since: float | None = None
        self._socket = connect(
            url,
            additional_headers={"Authorization": f"Bearer {token}"},
            compression=None,
            proxy=None,
            open_timeout=OPEN_SECONDS,
            close_timeout=CLOSE_SECONDS,
            max_size=MOST_MESSAGE_BYTES,
            legacy=True,
        )
        if hasattr(socket, "TCP_USER_TIMEOUT"):  # on Linux
            with contextlib.suppress(OSError):  # it may be closed already: a refusal, to be read
                self._socket.socket.setsockopt(
                    socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 1000 * UNSENT_SECONDS
                )

    def send(self, message: ClientMessage) -> None:
        self._socket.send(encode(message))

    def receive(self, seconds: float | None, *, is_due: bool) -> ServerMessage:
        """The next message; TimeoutError when none came in `seconds`.

        ServerSilentError once none came for `silent_seconds` of calls with `is_due`, which says
        that the server owes an answer.
        """
        now = time.monotonic()
        if not is_due:
            self._waiting_since = None
        elif self._waiting_since is None:
            self._waiting_since = now
        until = [] if seconds is None else [seconds]
        if self._waiting_since is not None:
            until.append(self._waiting_since + self._silent_seconds - now)
        try:
            text = self._socket.recv(max(0.0, min(until)) if until else None)
        except TimeoutError:
            if self._waiting_since is not None and until[-1] <= min(until):
                raise ServerSilentError(
                    f"the server said nothing for {self._silent_seconds:g} s"
                ) from None
            raise
        self._waiting_since = None
        return decode(text)

    def close(self) -> None:
        self._socket.close()
