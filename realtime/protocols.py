"""uvicorn's protocols, with bounds on who has not attached yet and on what one client may send.

A connection is *unattached* until its session is attached. Unattached ones are bounded in number,
the oldest giving way, and in the time that their request may take to arrive; and nothing is read
from a websocket before it has attached, so that what is not known to be a client fills no memory.
"""

import asyncio
import select
import uuid
from http import HTTPStatus
from typing import Any, Final

import msgspec
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from websockets.datastructures import Headers
from websockets.exceptions import ProtocolError
from websockets.frames import CloseCode, Frame
from websockets.http11 import Response
from websockets.server import ServerProtocol
from websockets.typing import StatusLike

from kynaplatform.api.errors import (
    ApiError,
    InternalError,
    MalformedRequest,
    MethodNotAllowed,
    RateLimited,
)
from kynaplatform.timing import CLOSING_SECONDS, QUIET_SECONDS, REQUEST_SECONDS
from realtime import metrics
from realtime.messages import encode, error_message
from realtime.pulse import PulsingProtocol
from realtime.refusals import close_code
from realtime.token_bucket import TokenBucket

MOST_UNATTACHED: Final = 1_000
# A socket whose peer has closed, on Linux also where nothing is read from it.
HUNG_UP: Final = getattr(select, "POLLRDHUP", 0)
MOST_HEADER_BYTES: Final = 32 * 1024
# Small frames, pings and fragments among them, cost far more to read than their bytes say.
SMALL_FRAME_BYTES: Final = 1024
MOST_SMALL_FRAMES: Final = 1_000
SMALL_FRAMES_A_SECOND: Final = 1_000
# How the metrics name what can't be read; no error body comes with it.
_FAULTS: Final[dict[int, str]] = {
    CloseCode.PROTOCOL_ERROR: "protocol_error",
    CloseCode.INVALID_DATA: "not_utf8",
    CloseCode.MESSAGE_TOO_BIG: "message_too_big",
}


class Unattached:
    """The transports that have not attached, oldest first."""

    def __init__(self) -> None:
        self._transports: dict[asyncio.Transport, None] = {}

    def add(self, transport: asyncio.Transport) -> None:
        self._transports[transport] = None
        if len(self._transports) > MOST_UNATTACHED:
            oldest = next(iter(self._transports))
            del self._transports[oldest]
            oldest.abort()

    def discard(self, transport: asyncio.Transport) -> None:
        self._transports.pop(transport, None)

    def __len__(self) -> int:
        return len(self._transports)


unattached = Unattached()


class HttpProtocol(HttpToolsProtocol):
    """Cuts off a client whose request has not come whole in time, or is too large."""

    _deadline: asyncio.TimerHandle | None = None
    _received = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        unattached.add(transport)
        self._await_request()

    def _await_request(self) -> None:
        self._received = 0
        self._deadline = self.loop.call_later(REQUEST_SECONDS, self.transport.abort)

    def data_received(self, data: bytes) -> None:
        self._received += len(data)
        if self._received > MOST_HEADER_BYTES:
            self.transport.abort()
            return
        super().data_received(data)

    def on_headers_complete(self) -> None:
        self._stop_deadline()
        super().on_headers_complete()

    def handle_websocket_upgrade(self) -> None:
        """Refuse as well what only the websocket's own parser does: it would wait for more."""
        if self.url.isascii():
            super().handle_websocket_upgrade()
            protocol: Any = self.transport.get_protocol()
            if protocol.handshake_initiated:
                return
        self.send_400_response("The request could not be read.")

    def send_400_response(self, msg: str) -> None:
        self.transport.write(_refusal(HTTPStatus.BAD_REQUEST, msg).serialize())
        self.transport.close()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if not self.transport.is_closing():
            self._stop_deadline()
            self._await_request()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_deadline()
        unattached.discard(self.transport)
        super().connection_lost(exc)

    def _stop_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


class _Frames(ServerProtocol):
    """Reads frames until a client floods it with small ones, and refuses with the error body."""

    def __init__(self, most_bytes: int) -> None:
        super().__init__(max_size=most_bytes)
        self._small = TokenBucket(MOST_SMALL_FRAMES, SMALL_FRAMES_A_SECOND)

    def recv_frame(self, frame: Frame) -> None:
        if len(frame.data) < SMALL_FRAME_BYTES and not self._small.take():
            error = RateLimited(1)
            if self.close_sent is None:
                metrics.REFUSALS.labels(error.code).inc()
                self.send_text(encode(error_message(error)).encode())
                self.fail(close_code(error))
            raise ProtocolError(error)  # what else has arrived is not looked at
        super().recv_frame(frame)

    def reject(self, status: StatusLike, text: str) -> Response:
        return _refusal(status, text.strip())


class WebSocketProtocol(PulsingProtocol):
    """A websocket that is read from while it is attached and reads, and that can be cut."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.close_timeout = CLOSING_SECONDS
        self.conn = _Frames(MOST_HEADER_BYTES)
        self._end: asyncio.TimerHandle | None = None

    def handle_connect(self, event: Any) -> None:
        super().handle_connect(event)
        if self.response.status_code == HTTPStatus.SWITCHING_PROTOCOLS:
            extensions: dict[str, Any] = self.scope["extensions"]
            extensions["kyna.cut"] = self.cut
            extensions["kyna.attached"] = self.attached
            extensions["kyna.has_left"] = self.has_left
            self.transport.pause_reading()

    def attached(self) -> None:
        unattached.discard(self.transport)
        self.conn.max_message_size = self.config.ws_max_size
        self.transport.resume_reading()

    def has_left(self) -> bool:
        """Whether the client has closed: as long as nothing is read from it, nothing else shows."""
        if self.transport.is_closing():
            return True
        poll = select.poll()
        poll.register(self.transport.get_extra_info("socket").fileno(), HUNG_UP)
        return bool(poll.poll(0))

    async def send(self, message: Any) -> None:
        await super().send(message)
        if self.close_sent:
            self.handshake_complete = True  # also by a refusal, which uvicorn overlooks
            self.transport.resume_reading()  # for the client's answer

    def send_receive_event_to_app(self) -> None:
        """As uvicorn's, but that a text is none is no failure of ours to log."""
        data = b"".join(self.frames)
        self.frames = []
        if self.close_sent:
            return
        if self.curr_msg_data_type == "bytes":
            self.queue.put_nowait({"type": "websocket.receive", "bytes": data})
        else:
            try:
                text = data.decode()
            except UnicodeDecodeError:
                self.conn.fail(CloseCode.INVALID_DATA)
                self.handle_parser_exception()
                return
            self.queue.put_nowait({"type": "websocket.receive", "text": text})
        self.read_paused = True
        self.transport.pause_reading()

    def pause_writing(self) -> None:
        """What a client would be answered is not read before it has read what it was told."""
        super().pause_writing()
        self.transport.pause_reading()

    def resume_writing(self) -> None:
        super().resume_writing()
        if not self.read_paused:
            self.transport.resume_reading()

    def cut(self, code: int) -> None:
        """Close without waiting for a client that does not read, and soon for good."""
        if not self.close_sent and not self.transport.is_closing():
            self.conn.send_close(code)
            self.transport.write(b"".join(self.conn.data_to_send()))
            self.close_sent = True
        self.transport.close()
        self._end_soon()
        # Whoever waits to write is let go; there is nothing to write any more.
        self.disconnected = True
        self.writable.set()

    def handle_parser_exception(self) -> None:
        """Say why, and look at nothing more; close once the client has stopped sending.

        A close while it still sends is a reset, which loses what was said. Called again for all
        that arrives after the failure.
        """
        failed = self.conn.close_sent
        if not self.close_sent and failed is not None:
            if (fault := _FAULTS.get(failed.code)) is not None:
                metrics.REFUSALS.labels(fault).inc()
            gone: Any = {"type": "websocket.disconnect", "code": failed.code, "kyna.cut_off": True}
            self.queue.put_nowait(gone)
            self.transport.write(b"".join(self.conn.data_to_send()))
            self.close_sent = True
            self.transport.resume_reading()
        # uvicorn leaves the transport alone while it has this timer.
        if self.close_timer is not None:
            self.close_timer.cancel()
        self.close_timer = self.loop.call_later(QUIET_SECONDS, self.transport.close)

    def on_task_complete(self, task: asyncio.Task[None]) -> None:
        super().on_task_complete(task)
        self._end_soon()

    def _end_soon(self) -> None:
        """uvicorn's own end waits for a client that does not read."""
        if self._end is None:
            self._end = self.loop.call_later(CLOSING_SECONDS, self.transport.abort)

    def shutdown(self) -> None:
        """The runtime closes what it serves, once what was received is durable."""
        if self.close_sent:
            self.transport.close()
        drain = self.app_state.get("drain")
        if drain is not None:
            drain()

    def connection_lost(self, exc: Exception | None) -> None:
        unattached.discard(self.transport)
        if self._end is not None:
            self._end.cancel()
        super().connection_lost(exc)


def _refusal(status: StatusLike, sentence: str) -> Response:
    """An answer to a request that never reaches the application."""
    error: ApiError
    match HTTPStatus(status):
        case HTTPStatus.METHOD_NOT_ALLOWED:
            error = MethodNotAllowed()
        case HTTPStatus.INTERNAL_SERVER_ERROR:
            error = InternalError()
        case _:
            error = MalformedRequest(sentence)
    body = msgspec.json.encode(error.body())
    headers = Headers(
        {
            "Connection": "close",
            "Content-Type": "application/json",
            "Content-Length": str(len(body)),
            "X-Request-ID": uuid.uuid4().hex,
        }
    )
    return Response(int(status), HTTPStatus(status).phrase, headers, body)
