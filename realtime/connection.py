"""One attached socket: its messages in their order, and every way that it ends.

Everything of a session happens in one task, in order. What takes the session away from it, the
control plane, a newer attach or a deadline, is found in the session's row and nowhere else:
`_reread` reads it and does what the row says.
"""

import asyncio
import contextlib
import logging
import time
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.conf import settings

from kynaplatform import clock
from kynaplatform.api.errors import ApiError, RateLimited
from kynaplatform.timing import RESEND_SECONDS
from realtime import messages, metrics
from realtime.attach import Attached
from realtime.batches import Batches
from realtime.checkpointer import Checkpointer
from realtime.heartbeat import Heartbeat
from realtime.held_session import HeldSession, SessionEnded
from realtime.messages import Cancel, Finalize, FrameBatch, Ping, Pong, session_done
from realtime.refusals import CLOSED_BY_US, RESTARTING, MessageInvalid, Restarting, close_code
from realtime.socket import ClientGone, Order, Socket
from realtime.token_bucket import TokenBucket
from sessions_app.leases import Attachment

logger = logging.getLogger("kynaplatform.realtime")

# Of messages without a frame. A client that streams is bounded by TCP.
CONTROL_MESSAGES_A_SECOND: Final = 20.0
MOST_CONTROL_MESSAGES: Final = 100.0
# Batches that may have arrived, behind each other, when an end is noticed: the session's, or the
# process's; and as many that came too late.
MOST_RECEIVED: Final = 8


class Connection:
    """A socket that holds a session, until `serve` returns the code that it was closed with."""

    def __init__(self, socket: Socket, attached: Attached, checkpointer: Checkpointer) -> None:
        self.socket = socket
        self.session_id: UUID = attached.session.id
        self.project_id: UUID = attached.session.project_id
        self.attachment_id = attached.attachment_id
        self._held = HeldSession(attached.session, attached.attachment_id)
        self._batches = Batches(socket, self._held, attached.progress, checkpointer)
        self._is_ending = self._held.is_finalizing
        socket.hear()  # the attach counts as a message
        self._control_messages = TokenBucket(MOST_CONTROL_MESSAGES, CONTROL_MESSAGES_A_SECOND)
        self._heartbeat = Heartbeat(socket)
        self._deadline: asyncio.TimerHandle | None = None
        self._began = time.monotonic()
        self.is_closed_by_client = False
        # What it was closed for, where that is an error.
        self.error_code: str | None = None

    @property
    def accepted_frames(self) -> int:
        """That this attachment has made durable."""
        return self._batches.accepted_frames

    def seconds(self) -> float:
        """Since it attached."""
        return time.monotonic() - self._began

    def attachment(self) -> Attachment:
        return Attachment(self.session_id, self.attachment_id, self.socket.last_message_at())

    async def serve(self) -> int:
        """Speak first, then serve the client to its end. Returns the close code."""
        code = RESTARTING
        try:
            code = await self._serve()
        finally:
            if self._deadline is not None:
                self._deadline.cancel()
            await self._held.detach(code, self.socket.last_message_at())
        return code

    async def _serve(self) -> int:
        code = RESTARTING
        try:
            try:
                await self._serve_to_its_end()
                code = CLOSED_BY_US
            except Restarting:
                pass
            except ApiError as error:
                metrics.REFUSALS.labels(error.code).inc()
                self.error_code = error.code
                code = close_code(error)
                if code != RESTARTING:
                    await self.socket.send(messages.error_message(error))
                await self._finish_without_client()
            except ClientGone:
                raise
            except Exception:
                logger.exception(
                    "session %(session_id)s: the connection failed",
                    {"session_id": self.session_id},
                )
            await self.socket.close(code)
        except ClientGone as gone:
            self.is_closed_by_client = gone.is_by_client
            await self._finish_without_client()
            code = gone.code
        return code

    async def _finish_without_client(self) -> None:
        """Its client is gone, and with it whoever would attach to a session that is finalizing."""
        if self._held.is_finalizing:
            with contextlib.suppress(ApiError, Restarting, SessionEnded):
                await self._held.finish()

    async def _serve_to_its_end(self) -> None:
        await self.socket.send(self._batches.session_update())
        self._watch_deadline()
        try:
            while True:
                await self._serve_next()
        except SessionEnded:
            await self._batches.tell_last_events()
            await self.socket.send(session_done(self._held.row))

    async def _serve_next(self) -> None:
        match await self.socket.next():
            case Order.REREAD:
                await self._reread()
            case Order.TIME:
                await self._check_deadline()
            case Order.DRAIN:
                await self._serve_received()
                raise Restarting
            case Order.AWAY:
                raise Restarting
            case None:
                raise MessageInvalid("Messages are JSON text, not binary.")
            case str() as text:
                await self._serve_message(text)

    async def _serve_message(self, text: str) -> None:
        message = messages.decode(text)
        self.socket.turn.cost()
        is_control = not (isinstance(message, FrameBatch) and message.frames)
        if is_control and not self._control_messages.take():
            raise RateLimited(1)
        match message:
            case FrameBatch():
                with self._heartbeat:
                    await self._serve_batch(message)
                await self._finish_if_finalizing()
            case Finalize():
                with self._heartbeat:
                    await self._held.finalize()
                    await self.socket.send(self._batches.session_update())
                    await self._finish()
            case Cancel():
                await self._held.cancel()
            case Ping():
                await self.socket.send(Pong())
            case Pong():
                self._heartbeat.answered()

    async def _serve_batch(self, batch: FrameBatch) -> None:
        await (self._batches.refuse(batch) if self._is_ending else self._batches.serve(batch))

    # --- The ends -------------------------------------------------------------------------

    async def _reread(self) -> None:
        """Read the session again, and end with it, or go on."""
        await self._held.refresh()
        await self._finish_if_finalizing()

    async def _finish_if_finalizing(self) -> None:
        """By whoever has asked for it elsewhere, or by the longest session."""
        if self._held.is_finalizing and not self._is_ending:
            with self._heartbeat:
                await self._serve_received()
                await self.socket.send(self._batches.session_update())
                await self._finish()

    async def _serve_received(self) -> None:
        """What has arrived by now: not all that a client goes on sending."""
        for _ in range(MOST_RECEIVED):
            batch = await self._received_batch()
            if batch is None:
                return
            await self._serve_batch(batch)
            await asyncio.sleep(0)  # for the next to be taken in

    async def _finish(self) -> None:
        """The last events, and an answer to whatever came too late."""
        await self._held.finish()
        await self._batches.tell_last_events()
        self._is_ending = True
        await self._serve_received()
        raise SessionEnded

    async def _received_batch(self) -> FrameBatch | None:
        """The next that has arrived, if the client has not asked for the end before it."""
        while self.socket.has_message():
            with contextlib.suppress(ApiError):
                match messages.decode(self.socket.waiting_message() or ""):
                    case FrameBatch() as batch:
                        return batch
                    case Finalize() | Cancel():
                        return None
            await asyncio.sleep(0)  # for the next to be taken in
        return None

    # --- Deadlines ------------------------------------------------------------------------

    def _watch_deadline(self) -> None:
        loop = asyncio.get_running_loop()
        self._deadline = loop.call_later(
            RESEND_SECONDS if self._is_ending else self._seconds_left(),
            self.socket.order,
            Order.TIME,
        )

    def _seconds_left(self) -> float:
        ends_at = self._idle_at()
        if self._held.row.longest_until is not None:
            ends_at = min(ends_at, self._held.row.longest_until)
        # A moment later, so that the deadline has passed for whoever compares with it.
        return max(0.0, (ends_at - clock.known_now()).total_seconds()) + 0.01

    async def _check_deadline(self) -> None:
        now, longest_until = clock.known_now(), self._held.row.longest_until
        if self._is_ending:
            with self._heartbeat:
                await self._finish()
        elif longest_until is not None and longest_until <= now:
            await self._reread()
        elif self._idle_at() <= now:
            await self._held.abandon(self.socket.last_message_at())
            await self._finish_if_finalizing()
        self._watch_deadline()

    def _idle_at(self) -> datetime:
        return self.socket.last_message_at() + timedelta(seconds=settings.SESSION_IDLE_SECONDS)
