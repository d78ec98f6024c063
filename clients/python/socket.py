"""The websocket of a client, which gives up on a server that is silent while an answer is due."""

import contextlib
import socket
import time

from websockets.sync.client import connect

from clients.python.wire import ClientMessage, ServerMessage, decode, encode

# With deploy/nginx.conf, nginx tries another server after 10 s.
OPEN_SECONDS = 20.0
# A server that lives sends a ping within 15 s, and gives up on its database within 25 s.
SILENT_SECONDS = 20.0
# A frozen server answers no close.
CLOSE_SECONDS = 1.0
# A server that reads nothing fills the buffers on the way, until a send waits too.
UNSENT_SECONDS = 30
# Events of a whole re-sent batch come in one message.
MAX_MESSAGE_BYTES = 4 * 1024 * 1024


class ServerSilentError(ConnectionError):
    """The server was silent for so long that it is frozen, or out of reach."""


class ClientSocket:
    """One attached websocket.

    Opening it raises OSError or InvalidHandshake, using it ConnectionClosed.
    """

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
            max_size=MAX_MESSAGE_BYTES,
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
        """The next message. Raises TimeoutError if none comes in `seconds`.

        `is_due` says that the server owes an answer. Raises ServerSilentError after
        `silent_seconds` of such calls without a message.
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
