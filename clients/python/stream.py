"""The client of the stream: sends poses and receives events, over as many attaches as it needs.

    with StreamClient(session["stream_url"], session["runtime_token"]) as stream:
        stream.attach()
        for poses in batches:
            stream.send(poses)
        done = stream.finalize()
    print(done.accepted_frames_total, stream.events)

An acknowledged batch is durable. The client keeps the others and sends them again after an attach.
A StreamClient belongs to one thread. Whatever it waits for, it reads the server's messages.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Self

import msgspec
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

from clients.python import wire
from clients.python.connection import (
    SILENT_SECONDS,
    ClientSocket,
    ServerSilentError,
    StreamRefusedError,
    backoff,
    retry_after_seconds,
)
from clients.python.wire import Event

MIN_WAIT_SECONDS, MAX_WAIT_SECONDS = 0.1, 3.0
# Less than the session's idle limit of 120 s.
PING_SECONDS = 30.0
# The longest session: until then nothing is lost.
DEADLINE_SECONDS = 3600.0
# The session has ended, as the details of the error say.
ALREADY_ENDED = 4410
# After these another attach would be refused too or, after 4409, take over from a newer client.
FINAL_CLOSES = frozenset({1002, 1007, 1009, 4400, 4401, 4403, 4404, 4409, 4413})
ABNORMAL = 1006
TOO_MANY_REQUESTS = 429
SERVER_FAULT = 500


class StreamLostError(Exception):
    """No attach succeeded by the deadline."""


class StreamListener:
    """Callbacks of a StreamClient. Each does nothing unless overridden."""

    def events_came(self, events: list[Event]) -> None:
        """New events came, in order. None comes again after an attach."""

    def batch_acknowledged(self, ack: wire.FrameAck, frames: int) -> None:
        """A batch of `frames` frames was acknowledged, and is not sent again."""

    def readiness_changed(self, readiness: wire.Readiness) -> None:
        """Whether anything counts yet, or what is missing, has changed."""

    def hold_followed(self, hold: wire.HoldProgress) -> None:
        """The progress of a hold was acknowledged."""

    def connection_lost(self, why: str) -> None:
        """The connection was lost. An attach follows."""

    def asked_to_wait(self, seconds: float, why: str) -> None:
        """The server asked for a wait before the next try."""


class StreamClient:
    """The stream of one session.

    At most `window` batches wait for their acknowledgement. A connection also counts as lost once
    an answer is due and the server has been silent for `silent_seconds`. The client then attaches
    again, with longer and longer waits, until a server sends more than that it is attached. Raises
    StreamLostError if none does within `deadline_seconds`, by default an hour.
    """

    def __init__(
        self,
        stream_url: str,
        runtime_token: str,
        *,
        listener: StreamListener | None = None,
        window: int = 4,
        silent_seconds: float = SILENT_SECONDS,
        deadline_seconds: float = DEADLINE_SECONDS,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self.events: list[Event] = []
        self.accepted_frames_total = 0
        self.attaches = 0
        self.rejections = Counter[str]()
        # The first detail of each reason.
        self.rejection_details: dict[str, str] = {}
        # None until the server sends it, which older ones never do.
        self.readiness: wire.Readiness | None = None
        self.done: wire.SessionDone | None = None
        # Whether the end is known from a refused attach, so that events before it may be missing.
        self.has_missed_the_end = False
        self._url = stream_url
        self._token = runtime_token
        self._listener = listener or StreamListener()
        self._window = window
        self._silent_seconds = silent_seconds
        self._deadline_seconds = deadline_seconds
        self._pause = pause
        self._socket: ClientSocket | None = None
        # The waits before the next attaches, and until when they may go on.
        self._waits = backoff(MIN_WAIT_SECONDS, MAX_WAIT_SECONDS)
        self._deadline: float | None = None
        self._sent_at = time.monotonic()
        self._unacknowledged: dict[int, wire.FrameBatch] = {}
        self._wanted_end: wire.Finalize | wire.Cancel | None = None
        self._known_events: set[str] = set()
        self._last_fault: wire.Fault | None = None
        self._last_batch_seq = 0
        self._last_frame_seq = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def attach(self) -> None:
        """Attach, and send again the batches that were not acknowledged.

        Raises StreamRefusedError and StreamLostError, as every method does that may attach again,
        and msgspec.DecodeError for a message of another protocol.
        """
        while self.done is None:
            try:
                self._last_fault = None
                self._socket = opened = ClientSocket(self._url, self._token, self._silent_seconds)
                # Nothing is sent before the server says that the client is attached.
                answer: wire.ServerMessage | None = None
                while not isinstance(answer, wire.SessionUpdate | wire.SessionDone):
                    answer = self._read(opened, None, is_due=True)
                self.attaches += 1
                for batch in list(self._unacknowledged.values()):
                    opened.send(batch)
                if self._wanted_end is not None:
                    opened.send(self._wanted_end)
                return
            except (OSError, ConnectionClosed, InvalidHandshake) as error:
                why = self._leave(error)
                if self.done is None:
                    self._wait_to_attach(error, why)

    def send(self, poses: Iterable[wire.Pose], clock_ms: float | None = None) -> int:
        """Send one batch once the window has room. Returns its batch_seq.

        A pose with a number that is not finite is left out. `clock_ms` is how far time has come
        after the poses, while nobody was seen. Batches and frames continue the numbers of an
        earlier client of the session. Nothing is sent to a session that has ended; see `done`.
        """
        if self.attaches == 0:
            self.attach()  # the server knows an earlier client's last numbers
        while len(self._unacknowledged) >= self._window and self.done is None:
            self.receive(None)
        self._last_batch_seq += 1
        frames: list[wire.WireFrame] = []
        for pose in poses:
            with suppress(ValueError, OverflowError):  # a number that is not finite
                frames.append(wire.wire_frame(pose, self._last_frame_seq + 1))
                self._last_frame_seq += 1
        if self.done is None:
            batch = wire.FrameBatch(self._last_batch_seq, frames, clock_ms)
            self._unacknowledged[batch.batch_seq] = batch
            self._send(batch)
        return self._last_batch_seq

    def receive(self, seconds: float | None) -> wire.ServerMessage | None:
        """The next message. None if none came in time, or after an attach."""
        if self.done is not None:
            return None
        try:
            if self._socket is None:
                self.attach()
                return None
            is_due = bool(self._unacknowledged) or self._wanted_end is not None
            return self._read(self._socket, seconds, is_due=is_due)
        except (ServerSilentError, ConnectionClosed) as lost:
            self._attach_again(lost)
            return None
        except TimeoutError:
            return None

    def wait(self, seconds: float) -> None:
        """Wait, reading the server's messages and pinging when idle."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            if self.done is not None:
                self._pause(left)
                return
            until_ping = self._sent_at + PING_SECONDS - time.monotonic()
            if until_ping <= 0:
                self._send(wire.Ping())
            else:
                self.receive(min(left, until_ping))

    def drain(self) -> None:
        """Return once every batch is acknowledged, or the session has ended."""
        while self._unacknowledged and self.done is None:
            self.receive(None)

    def finalize(self) -> wire.SessionDone:
        """End the session once every batch is acknowledged."""
        self.drain()
        return self._end(wire.Finalize())

    def cancel(self) -> wire.SessionDone:
        """End the session at once."""
        return self._end(wire.Cancel())

    def close(self) -> None:
        """Close the connection. The session goes on until its idle limit."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _end(self, wanted: wire.Finalize | wire.Cancel) -> wire.SessionDone:
        self._wanted_end = wanted
        if self.done is None:
            self._send(wanted)
        while self.done is None:
            self.receive(None)
        return self.done

    def _send(self, message: wire.ClientMessage) -> None:
        """Send a message. `attach` sends again what the caller has kept."""
        self._sent_at = time.monotonic()
        try:
            if self._socket is None:
                self.attach()
            else:
                self._socket.send(message)
        except ConnectionClosed as closed:
            # The messages before a close may include the session's end.
            with suppress(ConnectionClosed, TimeoutError):
                while self._socket is not None and self.done is None:
                    self._read(self._socket, 0, is_due=False)
            self._attach_again(closed)

    def _attach_again(self, lost: ServerSilentError | ConnectionClosed) -> None:
        why = self._leave(lost)
        if self.done is None:
            self._listener.connection_lost(why)
            self._wait_to_attach(lost, why)
            self.attach()

    def _wait_to_attach(self, error: Exception, why: str) -> None:
        """Wait as long as the server asked for, and for the backoff."""
        if self._deadline is None:
            self._deadline = time.monotonic() + self._deadline_seconds
        if isinstance(error, InvalidStatus):
            asked = retry_after_seconds(error.response.headers.get("Retry-After"))
        else:
            told = self._last_fault and self._last_fault.details.get("retry_after_seconds")
            asked = float(told) if isinstance(told, int | float) else 0.0
        if time.monotonic() + asked > self._deadline:
            raise StreamLostError(f"The stream cannot be reached: {why}") from error
        if asked:
            self._listener.asked_to_wait(asked, why)
        self._pause(asked + next(self._waits))

    def _read(
        self, from_: ClientSocket, seconds: float | None, *, is_due: bool
    ) -> wire.ServerMessage:
        message = from_.receive(seconds, is_due=is_due)
        if isinstance(message, wire.Ping):
            from_.send(wire.Pong())
        self._take(message)
        return message

    def _take(self, message: wire.ServerMessage) -> None:
        is_served = not isinstance(message, wire.SessionUpdate | wire.ErrorMessage | wire.Ping)
        if is_served and self._deadline is not None:
            # The next loss has waits and a deadline of its own.
            self._deadline = None
            self._waits = backoff(MIN_WAIT_SECONDS, MAX_WAIT_SECONDS)
        match message:
            case wire.FrameAck():
                batch = self._unacknowledged.pop(message.batch_seq, None)
                self.accepted_frames_total = message.accepted_frames_total
                if batch is not None:
                    self.rejections += message.rejections()
                    self.rejection_details = message.details() | self.rejection_details
                    self._listener.batch_acknowledged(message, len(batch.frames))
                self._take_readiness(message.readiness)
                if message.hold is not None:
                    self._listener.hold_followed(message.hold)
            case wire.EventBatch():
                new = [item for item in message.events if item.event_id not in self._known_events]
                self._known_events.update(event.event_id for event in new)
                self.events += new
                if new:
                    self._listener.events_came(new)
            case wire.SessionUpdate():
                self.accepted_frames_total = message.accepted_frames_total
                if self.attaches == 0:
                    self._last_batch_seq = message.last_batch_seq
                    self._last_frame_seq = message.last_frame_seq
                self._take_readiness(message.readiness)
            case wire.SessionDone():
                self.accepted_frames_total = message.accepted_frames_total
                self.done = message
            case wire.ErrorMessage():
                self._last_fault = message.error

    def _take_readiness(self, readiness: wire.Readiness | None) -> None:
        if readiness is not None and readiness != self.readiness:
            self.readiness = readiness
            self._listener.readiness_changed(readiness)

    def _leave(self, error: Exception) -> str:
        """Close. Returns why the connection was lost. Sets `done` if the session has ended.

        Raises StreamRefusedError if no attach can succeed.
        """
        self.close()
        if isinstance(error, InvalidStatus):
            status = error.response.status_code
            if status < SERVER_FAULT and status != TOO_MANY_REQUESTS:
                raise StreamRefusedError(status, None) from error
        if not isinstance(error, ConnectionClosed):
            return str(error) or type(error).__name__
        code, fault = error.rcvd.code if error.rcvd else ABNORMAL, self._last_fault
        if code in FINAL_CLOSES:
            raise StreamRefusedError(code, fault) from error
        if code == ALREADY_ENDED:
            details = fault.details if fault else {}
            known = {name: details.get(name) for name in wire.SessionDone.__struct_fields__}
            known |= {"type": "session_done", "session_id": self._url.rpartition("/")[2]}
            self.has_missed_the_end = True
            self._take(msgspec.convert(known, wire.SessionDone))
        return f"closed with {code}" + (f" ({fault.code})" if fault else "")
