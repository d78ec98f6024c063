"""uvicorn's HTTP and websocket protocols, with bounds on what clients may send.

Unauthenticated peers use bounded memory: an HTTP request is bounded in size and time, and nothing
is read from a websocket before it has attached. docs/decisions/runtime.md says why
these are uvicorn's, and not those of `websockets.asyncio`.
"""

import asyncio
import select
import sys
import uuid
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any, Final

import msgspec
from uvicorn._types import ASGIReceiveEvent
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.datastructures import Headers
from websockets.exceptions import ProtocolError
from websockets.frames import CloseCode, Frame
from websockets.http11 import Response
from websockets.protocol import Event
from websockets.server import ServerProtocol
from websockets.typing import StatusLike

from kynaplatform.api import errors
from kynaplatform.timing import CLOSING_SECONDS, PULSE_SECONDS, QUIET_SECONDS, REQUEST_SECONDS
from realtime import metrics
from realtime.client_bounds import ReceivedData, TokenBucket, add_unattached, unattached
from realtime.messages import Error, encode
from realtime.refusals import DOES_NOT_READ, DOES_NOT_READ_REASON, close_code

MAX_HEADER_BYTES: Final = 32 * 1024
# Linux reports a closed peer by this event even while nothing is read.
HUNG_UP: Final = getattr(select, "POLLRDHUP", 0)
# Small frames, such as pings and fragments, cost far more to read than their bytes say.
SMALL_FRAME_BYTES: Final = 1024
MAX_SMALL_FRAMES: Final = 1_000
SMALL_FRAMES_PER_SECOND: Final = 1_000
# The memory of a fragment beside its bytes.
FRAGMENT_BYTES: Final = 64
# Names in the metrics for unreadable data, which is closed without an error message.
_FAULTS: Final[dict[int, str]] = {
    CloseCode.PROTOCOL_ERROR: "protocol_error",
    CloseCode.INVALID_DATA: "not_utf8",
    CloseCode.MESSAGE_TOO_BIG: "message_too_big",
}


class HttpProtocol(HttpToolsProtocol):
    """An HTTP connection, cut if its request is too large or isn't whole in time."""

    _deadline: asyncio.TimerHandle
    _received: int

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        add_unattached(transport)
        self._await_request()

    def _await_request(self) -> None:
        self._received = 0
        self._deadline = self.loop.call_later(REQUEST_SECONDS, self.transport.abort)

    def data_received(self, data: bytes) -> None:
        self._received += len(data)
        if self._received > MAX_HEADER_BYTES:
            self.transport.abort()
            return
        super().data_received(data)

    def on_headers_complete(self) -> None:
        self._deadline.cancel()
        super().on_headers_complete()

    def handle_websocket_upgrade(self) -> None:
        """Also refuse what only the websocket's parser refuses: it would wait for more data."""
        if self.url.isascii():
            super().handle_websocket_upgrade()
            protocol: Any = self.transport.get_protocol()
            if protocol.handshake_initiated:
                return
        self.send_400_response("The request could not be read.")

    def send_400_response(self, msg: str) -> None:
        self.transport.write(refusal(HTTPStatus.BAD_REQUEST, msg).serialize())
        self.transport.close()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if not self.transport.is_closing():
            self._deadline.cancel()
            self._await_request()

    def connection_lost(self, exc: Exception | None) -> None:
        self._deadline.cancel()
        unattached.pop(self.transport, None)
        super().connection_lost(exc)


def refusal(status: StatusLike, sentence: str) -> Response:
    """The response to a request that never reaches the application."""
    status = HTTPStatus(status)
    error: errors.ApiError = errors.MalformedRequest(sentence)
    if status is HTTPStatus.METHOD_NOT_ALLOWED:
        error = errors.MethodNotAllowed()
    elif status is HTTPStatus.INTERNAL_SERVER_ERROR:
        error = errors.InternalError()
    body = msgspec.json.encode(error.body())
    headers = Headers(
        {
            "Connection": "close",
            "Content-Type": "application/json",
            "Content-Length": str(len(body)),
            "X-Request-ID": uuid.uuid4().hex,
        }
    )
    return Response(status, status.phrase, headers, body)


class _Frames(ServerProtocol):
    """A parser of frames that fails on a flood of small ones, and refuses with our error body."""

    def __init__(self, max_bytes: int) -> None:
        super().__init__(max_size=max_bytes)
        self._small = TokenBucket(MAX_SMALL_FRAMES, SMALL_FRAMES_PER_SECOND)

    def recv_frame(self, frame: Frame) -> None:
        if len(frame.data) < SMALL_FRAME_BYTES and not self._small.take():
            error = errors.RateLimited(
                1,
                limit_name="websocket_frames",
                counted=f"websocket frames below {SMALL_FRAME_BYTES} bytes",
                limit=SMALL_FRAMES_PER_SECOND,
                window_seconds=1,
            )
            if self.close_sent is None:
                metrics.REFUSALS.labels(error.code).inc()
                self.send_text(encode(Error(error.body().error)).encode())
                self.fail(close_code(error), error.code)
            raise ProtocolError(error)  # nothing else that has arrived is parsed
        super().recv_frame(frame)

    def events_received(self) -> Iterator[Event]:  # type: ignore[override]
        for event in super().events_received():
            yield event
            if isinstance(event, Frame):
                event.data = b""  # websockets keeps the frame until the next one

    def reject(self, status: StatusLike, text: str) -> Response:
        return refusal(status, text.strip())


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """A websocket that is read only while it is attached and its client reads.

    It pulses: it sends an unsolicited pong (RFC 6455, 5.5.3), which shows that its process is not
    frozen and needs no answer. Proxies take a silent process for a frozen one: deploy/nginx.conf
    does so after 10 s. The application uses `attached`, `cut`, `has_left`, `is_writable` and
    `is_receiving` by the ASGI extension `kyna`.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.close_timeout = CLOSING_SECONDS
        self.conn = _Frames(MAX_HEADER_BYTES)
        self.is_writable = self.writable.is_set
        self.ping_interval = PULSE_SECONDS
        self._end: asyncio.TimerHandle | None = None
        self._received = ReceivedData(self._cut_off)
        self.is_receiving = self._received.is_received
        # The memory of the whole messages, and that of the one which the application has.
        self._whole_bytes = self._given_bytes = 0
        self._is_cut_off = False

    # --- Reading --------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        if self._is_cut_off:
            self._close_when_quiet()
            return
        super().data_received(data)
        self._note_received()

    async def receive(self) -> ASGIReceiveEvent:
        """The next event. The application serves the one before it from now on."""
        self._whole_bytes -= self._given_bytes
        self._given_bytes = 0
        self._note_received()
        event = await super().receive()
        self._given_bytes = _size_of(event)
        self._note_received()
        return event

    def _note_received(self) -> None:
        if self.close_sent or self.disconnected:
            self._received.forget()
        else:
            fragments = (self.conn.current_size or 0) + FRAGMENT_BYTES * len(self.frames)
            part = len(self.conn.reader.buffer) + fragments
            self._received.note(self._whole_bytes, part, is_read=not self.read_paused)

    def send_receive_event_to_app(self) -> None:
        """Give the application a message, as uvicorn does, and log no error for invalid UTF-8."""
        data = b"".join(self.frames)
        self.frames = []
        if self.close_sent:
            return
        event: Any = {"type": "websocket.receive"}
        if self.curr_msg_data_type == "bytes":
            event["bytes"] = data
        else:
            try:
                event["text"] = data.decode()
            except UnicodeDecodeError:
                self.conn.fail(CloseCode.INVALID_DATA, _FAULTS[CloseCode.INVALID_DATA])
                self.handle_parser_exception()
                return
        self._whole_bytes += _size_of(event)
        self.queue.put_nowait(event)
        self.read_paused = True
        self.transport.pause_reading()

    def pause_writing(self) -> None:
        """Don't read from a client that does not read: its next answer would wait as well."""
        super().pause_writing()
        self.transport.pause_reading()

    def resume_writing(self) -> None:
        super().resume_writing()
        if not self.read_paused:
            self.transport.resume_reading()

    # --- For the application --------------------------------------------------------------

    def handle_connect(self, event: Any) -> None:
        super().handle_connect(event)
        if self.response.status_code == HTTPStatus.SWITCHING_PROTOCOLS:
            extensions: dict[str, Any] = self.scope["extensions"]
            extensions["kyna"] = self
            self.transport.pause_reading()

    def attached(self) -> None:
        unattached.pop(self.transport, None)
        self.conn.max_message_size = self.config.ws_max_size
        self.transport.resume_reading()

    def has_left(self) -> bool:
        """Whether the client has closed, which nothing else shows while nothing is read."""
        if self.transport.is_closing():
            return True
        poll = select.poll()
        poll.register(self.transport.get_extra_info("socket").fileno(), HUNG_UP)
        return bool(poll.poll(0))

    def cut(self) -> None:
        """Send a client that does not read the close, and abort the connection soon after."""
        if not self.close_sent and not self.transport.is_closing():
            self.conn.send_close(DOES_NOT_READ, DOES_NOT_READ_REASON)
            self._flush()
            self.close_sent = True
        self.transport.close()
        self._end_soon()
        # Nothing waits to be written any more.
        self.disconnected = True
        self.writable.set()

    async def send(self, message: Any) -> None:
        await super().send(message)
        if self.close_sent:
            self.handshake_complete = True  # uvicorn omits it for a refused handshake
            self.transport.resume_reading()  # for the client's close

    def _flush(self) -> None:
        self.transport.write(b"".join(self.conn.data_to_send()))

    def send_keepalive_ping(self) -> None:
        if self.close_sent or self.conn.close_sent is not None or self.transport.is_closing():
            return
        if self.writable.is_set():
            self.conn.send_pong(b"")
            self._flush()
        self.schedule_ping()

    # --- The end --------------------------------------------------------------------------

    def _cut_off(self, reason: str) -> None:
        """Cut off a client that has sent too much or too slowly, and drop what has come."""
        self._is_cut_off = True
        while not self.queue.empty():
            self.queue.get_nowait()
        if self.conn.close_sent is None:  # its client may have closed already
            self.conn.send_close(DOES_NOT_READ, reason)
        self._close_first(DOES_NOT_READ)
        self._drop_received()
        self._close_when_quiet()
        self._end_soon()

    def handle_parser_exception(self) -> None:
        """Send the close with its reason, and end once the client has stopped sending.

        Closing while it sends is a reset, which loses the reason. uvicorn calls this again for all
        data after the failure.
        """
        failed = self.conn.close_sent
        if not self.close_sent and failed is not None:
            if (fault := _FAULTS.get(failed.code)) is not None:
                metrics.REFUSALS.labels(fault).inc()
            self._close_first(failed.code)
            self.transport.resume_reading()
        self._close_when_quiet()

    def _close_first(self, code: int) -> None:
        gone: Any = {"type": "websocket.disconnect", "code": code, "kyna.cut_off": True}
        self.queue.put_nowait(gone)
        self._flush()
        self.close_sent = True

    def _close_when_quiet(self) -> None:
        # uvicorn leaves the transport alone while it has this timer.
        if self.close_timer is not None:
            self.close_timer.cancel()
        self.close_timer = self.loop.call_later(QUIET_SECONDS, self.transport.close)

    def on_task_complete(self, task: asyncio.Task[None]) -> None:
        super().on_task_complete(task)
        self._end_soon()

    def _end_soon(self) -> None:
        """Abort soon: uvicorn's own end waits for a client that does not read."""
        if self._end is None:
            self._end = self.loop.call_later(CLOSING_SECONDS, self.transport.abort)

    def shutdown(self) -> None:
        """Drain the runtime, which closes its sockets once received frames are durable."""
        if self.close_sent:
            self.transport.close()
        self.app_state["drain"]()

    def connection_lost(self, exc: Exception | None) -> None:
        if self.conn.close_rcvd is None:
            # uvicorn tells 1005 of every loss, as of a close without a code.
            self.queue.put_nowait(
                {"type": "websocket.disconnect", "code": CloseCode.ABNORMAL_CLOSURE}
            )
        unattached.pop(self.transport, None)
        self._received.forget()
        if self._end is not None:
            self._end.cancel()
        # Frees received data before the garbage collector frees the protocol.
        self._drop_received()
        super().connection_lost(exc)

    def _drop_received(self) -> None:
        self.frames.clear()
        self.conn.reader.buffer.clear()


def _size_of(event: Any) -> int:
    """The memory of a message's text or bytes; 0 for another event."""
    if event["type"] != "websocket.receive":
        return 0
    return sys.getsizeof(event.get("text", event.get("bytes")))
