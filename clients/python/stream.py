"""The client of the stream: it sends poses and takes events, over as many attaches as it needs.

    with StreamClient(session["stream_url"], session["runtime_token"]) as stream:
        stream.attach()
        for poses in batches:
            stream.send(poses)
        done = stream.finalize()
    print(done.accepted_frames_total, stream.events)

An acknowledged batch is durable. So the client keeps the batches that are not, and sends them again
after an attach. One thread uses a StreamClient. Whatever it waits for, it reads the server's
messages meanwhile.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Self

from websockets.exceptions import ConnectionClosed, InvalidHandshake

from clients.python.closes import backoff, done_as_told, has_ended, wait_wanted, why_closed
from clients.python.socket import SILENT_SECONDS, ClientSocket, ServerSilentError
from clients.python.wire import (
    Cancel,
    ClientMessage,
    ErrorMessage,
    Event,
    EventBatch,
    Fault,
    Finalize,
    FrameAck,
    FrameBatch,
    HoldProgress,
    Ping,
    Pong,
    Pose,
    Readiness,
    ServerMessage,
    SessionDone,
    SessionUpdate,
    wire_frame,
)

MIN_WAIT_SECONDS, MAX_WAIT_SECONDS = 0.1, 3.0
# Less than the session's idle limit of 120 s.
PING_SECONDS = 30.0
# A server that answers acknowledges far sooner.
LATE_ACK_SECONDS = 3.0
# Of what a server ends by itself. One that is away for less loses nothing.
AS_LONG_AS_A_SESSION = 3600.0


class StreamLostError(Exception):
    """No attach succeeded by the deadline."""


class StreamListener:
    """The calls that a StreamClient makes while it works. Each does nothing unless overridden."""

    def events_came(self, events: list[Event]) -> None:
        """New events, in order, without those that an attach brought again."""

    def batch_acknowledged(self, ack: FrameAck, frames: int) -> None:
        """A batch of so many frames is acknowledged, and is not sent again."""

    def readiness_changed(self, readiness: Readiness) -> None:
        """Whether anything counts yet, or what is missing, is another than before."""

    def hold_followed(self, hold: HoldProgress) -> None:
        """A movement that is held was acknowledged so far."""

    def ack_is_late(self, seconds: float) -> None:
        """For so long no ack has come, though batches wait for one. It is called once until one
        comes."""

    def connection_lost(self, why: str) -> None:
        """The connection was lost; an attach follows."""

    def told_to_wait(self, seconds: float, why: str) -> None:
        """The server asked for a wait before the next try."""


class StreamClient:
    """The stream of one session.

    At most `window` batches wait for their acknowledgement. A connection also counts as lost when
    an answer is due and the server is silent for `silent_seconds`. Then the client attaches again,
    and waits longer before each try, until a server has served it: said more than that it is
    attached. It raises StreamLostError if none does within `deadline_seconds`, an hour.
    """

    def __init__(
        self,
        stream_url: str,
        runtime_token: str,
        *,
        listener: StreamListener | None = None,
        window: int = 4,
        silent_seconds: float = SILENT_SECONDS,
        deadline_seconds: float = AS_LONG_AS_A_SESSION,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self.events: list[Event] = []
        self.accepted_frames_total = 0
        self.attaches = 0
        self.rejections = Counter[str]()
        # The first detail of each reason.
        self.rejection_details: dict[str, str] = {}
        self.status: str | None = None
        # None before the server has told it, and where an older one never does.
        self.readiness: Readiness | None = None
        self.done: SessionDone | None = None
        # Whether the refusal of an attach told the end: events before it may be missing.
        self.has_missed_the_end = False
        self._url = stream_url
        self._token = runtime_token
        self._listener = listener or StreamListener()
        self._window = window
        self._silent_seconds = silent_seconds
        self._deadline_seconds = deadline_seconds
        self._pause = pause
        self._socket: ClientSocket | None = None
        # The waits before the next attaches, and when they are over.
        self._waits = backoff(MIN_WAIT_SECONDS, MAX_WAIT_SECONDS)
        self._deadline: float | None = None
        self._said_at = time.monotonic()
        self._unacknowledged: dict[int, FrameBatch] = {}
        # When the next ack is late; None while none is awaited, or once that was told.
        self._late_at: float | None = None
        self._wanted_end: Finalize | Cancel | None = None
        self._known_events: set[str] = set()
        self._last_fault: Fault | None = None
        self._last_batch_seq = 0
        self._last_frame_seq = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def attach(self) -> None:
        """Attach, and send again the batches that were not acknowledged.

        Raises StreamRefusedError and StreamLostError, as every method does that attaches again,
        and msgspec.DecodeError for a message that is not of this protocol.
        """
        while self.done is None:
            try:
                socket = self._open()
                for batch in list(self._unacknowledged.values()):
                    socket.send(batch)
                self._await_ack()
                if self._wanted_end is not None:
                    socket.send(self._wanted_end)
                return
            except (OSError, ConnectionClosed, InvalidHandshake) as error:
                why = self._leave(error)
                if self.done is None:
                    self._wait_to_attach(error, why)

    def send(self, poses: Iterable[Pose], clock_ms: float | None = None) -> int:
        """Send one batch once the window has room. Returns its batch_seq.

        `clock_ms` is how far time has come after the poses, while nobody was seen. Batches and
        frames are numbered from 1, or from where an earlier client left off. Nothing is sent to a
        session that has ended: see `done`.
        """
        if self.attaches == 0:
            self.attach()  # only the server knows where an earlier client left off
        while len(self._unacknowledged) >= self._window and self.done is None:
            self.receive(None)
        self._last_batch_seq += 1
        frames = [
            wire_frame(pose, number) for number, pose in enumerate(poses, self._last_frame_seq + 1)
        ]
        self._last_frame_seq += len(frames)
        if self.done is None:
            batch = FrameBatch(self._last_batch_seq, frames, clock_ms)
            self._unacknowledged[batch.batch_seq] = batch
            if len(self._unacknowledged) == 1:
                self._await_ack()
            self._say(batch)
        return self._last_batch_seq

    def receive(self, seconds: float | None) -> ServerMessage | None:
        """Take the next message. Returns None if none came in time, or after an attach."""
        if self.done is not None:
            return None
        try:
            if self._socket is None:
                self.attach()
                return None
            is_due = bool(self._unacknowledged) or self._wanted_end is not None
            if self._late_at is not None:
                left = max(0.0, self._late_at - time.monotonic())
                seconds = left if seconds is None else min(seconds, left)
            return self._read(self._socket, seconds, is_due=is_due)
        except (ServerSilentError, ConnectionClosed) as lost:
            self._attach_again(lost)
            return None
        except TimeoutError:
            if self._late_at is not None and time.monotonic() >= self._late_at:
                self._late_at = None
                self._listener.ack_is_late(LATE_ACK_SECONDS)
            return None

    def wait(self, seconds: float) -> None:
        """Wait so many seconds, take the server's messages meanwhile, and ping when idle."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            if self.done is not None:
                self._pause(left)
                return
            until_ping = self._said_at + PING_SECONDS - time.monotonic()
            if until_ping <= 0:
                self.ping()
            else:
                self.receive(min(left, until_ping))

    def ping(self) -> None:
        """Show the server that the client is there, which postpones the idle limit."""
        self._say(Ping())

    def drain(self) -> None:
        """Return once every batch is acknowledged, or the session has ended."""
        while self._unacknowledged and self.done is None:
            self.receive(None)

    def finalize(self) -> SessionDone:
        """End the session once every batch is acknowledged."""
        self.drain()
        return self._end(Finalize())

    def cancel(self) -> SessionDone:
        """End the session at once."""
        return self._end(Cancel())

    def close(self) -> None:
        """Close the connection. The session goes on until its idle limit."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _end(self, wanted: Finalize | Cancel) -> SessionDone:
        self._wanted_end = wanted
        if self.done is None:
            self._say(wanted)
        while self.done is None:
            self.receive(None)
        return self.done

    def _say(self, message: ClientMessage) -> None:
        """Send a message. The caller keeps one that an attach has to send again."""
        self._said_at = time.monotonic()
        try:
            if self._socket is None:
                self.attach()
            else:
                self._socket.send(message)
        except ConnectionClosed as closed:
            self._hear_what_came()
            self._attach_again(closed)

    def _hear_what_came(self) -> None:
        """Take the messages before a close: a server tells the session's end before it closes."""
        with suppress(ConnectionClosed, TimeoutError):
            while self._socket is not None and self.done is None:
                self._read(self._socket, 0, is_due=False)

    def _await_ack(self) -> None:
        """From the first batch that waits for its ack, or from the last ack."""
        is_awaited = bool(self._unacknowledged)
        self._late_at = time.monotonic() + LATE_ACK_SECONDS if is_awaited else None

    def _attach_again(self, lost: ServerSilentError | ConnectionClosed) -> None:
        why = self._leave(lost)
        if self.done is None:
            self._listener.connection_lost(why)
            self._wait_to_attach(lost, why)
            self.attach()

    def _wait_to_attach(self, error: Exception, why: str) -> None:
        """Wait for what the server asked for, and for the back-off."""
        if self._deadline is None:
            self._deadline = time.monotonic() + self._deadline_seconds
        told = wait_wanted(error, self._last_fault)
        if time.monotonic() + told > self._deadline:
            raise StreamLostError(f"The stream cannot be reached: {why}") from error
        if told:
            self._listener.told_to_wait(told, why)
        self._pause(told + next(self._waits))

    def _is_served(self) -> None:
        """What comes next is another loss, with waits and a deadline of its own."""
        if self._deadline is not None:
            self._deadline = None
            self._waits = backoff(MIN_WAIT_SECONDS, MAX_WAIT_SECONDS)

    def _open(self) -> ClientSocket:
        self._last_fault = None
        self._socket = socket = ClientSocket(self._url, self._token, self._silent_seconds)
        # The server speaks first: nothing is sent before it says that the client is attached.
        while not isinstance(self._read(socket, None, is_due=True), SessionUpdate | SessionDone):
            pass
        self.attaches += 1
        return socket

    def _read(self, socket: ClientSocket, seconds: float | None, *, is_due: bool) -> ServerMessage:
        message = socket.receive(seconds, is_due=is_due)
        if isinstance(message, Ping):
            socket.send(Pong())
        self._take(message)
        return message

    def _take(self, message: ServerMessage) -> None:
        if not isinstance(message, SessionUpdate | ErrorMessage | Ping):
            self._is_served()
        match message:
            case FrameAck():
                batch = self._unacknowledged.pop(message.batch_seq, None)
                self.accepted_frames_total = message.accepted_frames_total
                if batch is not None:
                    self._await_ack()
                    self.rejections += message.rejections()
                    self.rejection_details = message.details() | self.rejection_details
                    self._listener.batch_acknowledged(message, len(batch.frames))
                self._take_readiness(message.readiness)
                if message.hold is not None:
                    self._listener.hold_followed(message.hold)
            case EventBatch():
                new = [item for item in message.events if item.event_id not in self._known_events]
                self._known_events.update(event.event_id for event in new)
                self.events += new
                if new:
                    self._listener.events_came(new)
            case SessionUpdate():
                self.status = message.status
                self.accepted_frames_total = message.accepted_frames_total
                if self.attaches == 0:
                    self._last_batch_seq = message.last_batch_seq
                    self._last_frame_seq = message.last_frame_seq
                self._take_readiness(message.readiness)
            case SessionDone():
                self.status = message.status
                self.accepted_frames_total = message.accepted_frames_total
                self.done = message
            case ErrorMessage():
                self._last_fault = message.error

    def _take_readiness(self, readiness: Readiness | None) -> None:
        if readiness is not None and readiness != self.readiness:
            self.readiness = readiness
            self._listener.readiness_changed(readiness)

    def _leave(self, error: Exception) -> str:
        """Close, and return the reason of the loss. Sets `done` if the session has ended."""
        self.close()
        if has_ended(error):
            self.has_missed_the_end = True
            self._take(done_as_told(self._last_fault, self._url.rpartition("/")[2]))
        return why_closed(error, self._last_fault)
