"""uvicorn's websocket protocol, with bounds on what one client may send.

Nothing is read from a websocket before it has attached, so that what is not known to be a client
fills no memory. An attached one pulses: it sends a pong that nobody asked for (RFC 6455, 5.5.3),
which shows that its process is not frozen and wants no answer. A proxy may take a short silence
for a process that stands still: deploy/nginx.conf does after 10 s.
"""

import asyncio
import select
from http import HTTPStatus
from typing import Any, Final

from uvicorn._types import ASGIReceiveEvent
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.exceptions import ProtocolError
from websockets.frames import CloseCode, Frame
from websockets.http11 import Response
from websockets.server import ServerProtocol
from websockets.typing import StatusLike

from kynaplatform.api.errors import RateLimited
from kynaplatform.timing import CLOSING_SECONDS, PULSE_SECONDS, QUIET_SECONDS
from realtime import metrics
from realtime.client_bounds import TokenBucket, UnfinishedMessage, unattached
from realtime.http_protocol import MAX_HEADER_BYTES, refusal
from realtime.messages import encode, error_message
from realtime.refusals import DOES_NOT_READ, close_code

# The state of a socket whose peer has closed. Linux tells it also where nothing is read.
HUNG_UP: Final = getattr(select, "POLLRDHUP", 0)
# Small frames, pings and fragments among them, cost far more to read than their bytes say.
SMALL_FRAME_BYTES: Final = 1024
MAX_SMALL_FRAMES: Final = 1_000
SMALL_FRAMES_A_SECOND: Final = 1_000
# The memory of a part of a message beside its bytes.
PART_BYTES: Final = 64
# The names in the metrics of what can't be read; no error body comes with it.
_FAULTS: Final[dict[int, str]] = {
    CloseCode.PROTOCOL_ERROR: "protocol_error",
    CloseCode.INVALID_DATA: "not_utf8",
    CloseCode.MESSAGE_TOO_BIG: "message_too_big",
}


class _Frames(ServerProtocol):
    """A reader of frames that ends at a flood of small ones, and refuses with the error body."""

    def __init__(self, most_bytes: int) -> None:
        super().__init__(max_size=most_bytes)
        self._small = TokenBucket(MAX_SMALL_FRAMES, SMALL_FRAMES_A_SECOND)

    def recv_frame(self, frame: Frame) -> None:
        if len(frame.data) < SMALL_FRAME_BYTES and not self._small.take():
            error = RateLimited(
                1,
                limit_name="websocket_frames",
                counted=f"websocket frames below {SMALL_FRAME_BYTES} bytes",
                limit=SMALL_FRAMES_A_SECOND,
                window_seconds=1,
            )
            if self.close_sent is None:
                metrics.REFUSALS.labels(error.code).inc()
                self.send_text(encode(error_message(error)).encode())
                self.fail(close_code(error), error.code)
            raise ProtocolError(error)  # what else has arrived is not looked at
        super().recv_frame(frame)

    def reject(self, status: StatusLike, text: str) -> Response:
        return refusal(status, text.strip())


def _let_go(frame: Frame) -> None:
    """Empty a frame that was taken: websockets keeps it until the next one."""
    frame.data = b""


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """A websocket that is read from while it is attached and its client reads; it can be cut."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.close_timeout = CLOSING_SECONDS
        self.conn = _Frames(MAX_HEADER_BYTES)
        self._pulse: asyncio.TimerHandle | None = None
        self._end: asyncio.TimerHandle | None = None
        self._unfinished = UnfinishedMessage(self._cut_off)
        # What the parts of the message that is under way take in memory.
        self._parts_size = 0
        self._is_cut_off = False

    def data_received(self, data: bytes) -> None:
        if self._is_cut_off:
            self._close_when_quiet()
            return
        super().data_received(data)
        self._note_unfinished()

    async def receive(self) -> ASGIReceiveEvent:
        event = await super().receive()
        self._note_unfinished()
        return event

    def _note_unfinished(self) -> None:
        if self.close_sent or self.disconnected:
            self._unfinished.forget()
        else:
            size = len(self.conn.reader.buffer) + self._parts_size
            self._unfinished.note(size, is_read=not self.read_paused)

    def handle_text(self, event: Frame) -> None:
        self._parts_size = len(event.data) + PART_BYTES
        super().handle_text(event)
        _let_go(event)

    def handle_bytes(self, event: Frame) -> None:
        self._parts_size = len(event.data) + PART_BYTES
        super().handle_bytes(event)
        _let_go(event)

    def handle_cont(self, event: Frame) -> None:
        self._parts_size += len(event.data) + PART_BYTES
        super().handle_cont(event)
        _let_go(event)

    def _cut_off(self, reason: str) -> None:
        """Cut a client whose message does not become whole, and drop what is here of it."""
        self._is_cut_off = True
        gone: Any = {"type": "websocket.disconnect", "code": DOES_NOT_READ, "kyna.cut_off": True}
        self.queue.put_nowait(gone)
        self.conn.send_close(DOES_NOT_READ, reason)
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        self.frames.clear()
        self.conn.reader.buffer.clear()
        self._close_when_quiet()
        self._end_soon()

    def handle_connect(self, event: Any) -> None:
        super().handle_connect(event)
        if self.response.status_code == HTTPStatus.SWITCHING_PROTOCOLS:
            extensions: dict[str, Any] = self.scope["extensions"]
            extensions["kyna.cut"] = self.cut
            extensions["kyna.attached"] = self.attached
            extensions["kyna.has_left"] = self.has_left
            extensions["kyna.is_writable"] = self.writable.is_set
            extensions["kyna.is_receiving"] = self._unfinished.is_received
            self.transport.pause_reading()

    def attached(self) -> None:
        unattached.discard(self.transport)
        self.conn.max_message_size = self.config.ws_max_size
        self.transport.resume_reading()

    def start_keepalive(self) -> None:
        super().start_keepalive()
        self._pulse = self.loop.call_later(PULSE_SECONDS, self._beat)

    def stop_keepalive(self) -> None:
        super().stop_keepalive()
        if self._pulse is not None:
            self._pulse.cancel()

    def _beat(self) -> None:
        if self.close_sent or self.conn.close_sent is not None or self.transport.is_closing():
            return
        if self.writable.is_set():
            self.conn.send_pong(b"")
            self.transport.write(b"".join(self.conn.data_to_send()))
        self._pulse = self.loop.call_later(PULSE_SECONDS, self._beat)

    def has_left(self) -> bool:
        """Whether the client has closed. Nothing else shows it while nothing is read."""
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
        """uvicorn's own, but a text that is not UTF-8 is not logged as a failure of ours."""
        data = b"".join(self.frames)
        self.frames = []
        self._parts_size = 0
        if self.close_sent:
            return
        if self.curr_msg_data_type == "bytes":
            self.queue.put_nowait({"type": "websocket.receive", "bytes": data})
        else:
            try:
                text = data.decode()
            except UnicodeDecodeError:
                self.conn.fail(CloseCode.INVALID_DATA, _FAULTS[CloseCode.INVALID_DATA])
                self.handle_parser_exception()
                return
            self.queue.put_nowait({"type": "websocket.receive", "text": text})
        self.read_paused = True
        self.transport.pause_reading()

    def pause_writing(self) -> None:
        """Stop reading from a client that does not read: its next answer would wait as well."""
        super().pause_writing()
        self.transport.pause_reading()

    def resume_writing(self) -> None:
        super().resume_writing()
        if not self.read_paused:
            self.transport.resume_reading()

    def cut(self, code: int, reason: str) -> None:
        """Close a client that does not read: send the close, and abort soon after it."""
        if not self.close_sent and not self.transport.is_closing():
            self.conn.send_close(code, reason)
            self.transport.write(b"".join(self.conn.data_to_send()))
            self.close_sent = True
        self.transport.close()
        self._end_soon()
        # Whoever waits to write is let go; there is nothing to write any more.
        self.disconnected = True
        self.writable.set()

    def handle_parser_exception(self) -> None:
        """Send the close with its reason, and end once the client has stopped sending.

        A close while it still sends is a reset, which loses the reason. uvicorn calls this again
        for all that arrives after the failure.
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
        self._close_when_quiet()

    def _close_when_quiet(self) -> None:
        # uvicorn leaves the transport alone while it has this timer.
        if self.close_timer is not None:
            self.close_timer.cancel()
        self.close_timer = self.loop.call_later(QUIET_SECONDS, self.transport.close)

    def on_task_complete(self, task: asyncio.Task[None]) -> None:
        super().on_task_complete(task)
        self._end_soon()

    def _end_soon(self) -> None:
        """Abort the transport soon: uvicorn's own end waits for a client that does not read."""
        if self._end is None:
            self._end = self.loop.call_later(CLOSING_SECONDS, self.transport.abort)

    def shutdown(self) -> None:
        """Drain the runtime, which closes its sockets once what was received is durable."""
        if self.close_sent:
            self.transport.close()
        drain = self.app_state.get("drain")
        if drain is not None:
            drain()

    def connection_lost(self, exc: Exception | None) -> None:
        unattached.discard(self.transport)
        self._unfinished.forget()
        if self._end is not None:
            self._end.cancel()
        # What had arrived: the protocol itself waits for the collector of garbage.
        self.frames.clear()
        self.conn.reader.buffer.clear()
        super().connection_lost(exc)
