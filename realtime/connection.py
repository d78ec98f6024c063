"""One attached socket: its messages in order, and every way in which it ends.

One task does everything for a session, in order. The API, staff, a newer attach or a deadline may
take the session away, which only the session's row shows: `_reread` reads and follows it.
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
from kynaplatform.timing import BEAT_SECONDS, FRESH_LEASE_SECONDS, RESEND_SECONDS
from realtime import messages, metrics
from realtime.checkpointer import Checkpointer
from realtime.client_bounds import TokenBucket
from realtime.leased_session import Batches, LeasedSession, SessionEnded
from realtime.refusals import NORMAL_CLOSURE, RESTARTING, Restarting, close_code
from realtime.socket import ClientGone, Order, Socket
from sessions_app.checkpoints import Attachment
from sessions_app.lifecycle import session_abandon, session_cancel, session_finalize

logger = logging.getLogger("kynaplatform.realtime")

# The rate of messages without frames. Backpressure bounds those with frames.
CONTROL_MESSAGES_PER_SECOND: Final = 20.0
MAX_CONTROL_MESSAGES: Final = 100.0
# How many received batches are still served once the session or the process ends, and how many are
# rejected after that as too late.
MAX_RECEIVED: Final = 8


class Connection:
    """A socket with the lease of a session."""

    def __init__(self, socket: Socket, session: LeasedSession, checkpointer: Checkpointer) -> None:
        self.socket = socket
        self.session = session
        self._project_id: UUID = session.row.project_id
        self._batches = Batches(socket, session, checkpointer)
        self._is_ending = session.is_finalizing
        socket.turn.join(self._project_id)
        socket.note_activity()  # the attach counts as a message
        self._control_messages = TokenBucket(MAX_CONTROL_MESSAGES, CONTROL_MESSAGES_PER_SECOND)
        self._deadline: asyncio.TimerHandle | None = None
        self._began = time.monotonic()
        self._is_closed_by_client = False
        self._error_code: str | None = None

    def has_fresh_lease(self) -> bool:
        """Whether a checkpoint has just renewed its lease."""
        return clock.ticks() - self._batches.renewed_at < FRESH_LEASE_SECONDS

    def attachment(self) -> Attachment:
        session = self.session
        return Attachment(session.id, session.attachment_id, self.socket.last_message_at())

    def _log_closed(self, code: int) -> None:
        error = self._error_code
        logger.info(
            "session %(session_id)s: closed %(close_code)d by the %(closed_by)s, "
            "%(accepted_frames)d frames in %(seconds).1f s"
            + ("" if error is None else ", %(error_code)s"),
            {
                "session_id": self.session.id,
                "project_id": self._project_id,
                "attachment_id": self.session.attachment_id,
                "close_code": code,
                "closed_by": "client" if self._is_closed_by_client else "server",
                "error_code": error,
                "accepted_frames": self._batches.accepted_frames,
                "seconds": round(time.monotonic() - self._began, 1),
            },
        )

    async def serve(self) -> None:
        """Send the first session_update, and serve the client to its end."""
        code = RESTARTING
        try:
            code = await self._serve()
        finally:
            if self._deadline is not None:
                self._deadline.cancel()
            try:
                await self.session.detach(code, self.socket.last_message_at())
            finally:
                self._log_closed(code)
        metrics.count_close(code)

    async def _serve(self) -> int:
        code, reason = RESTARTING, Restarting.code
        try:
            try:
                await self._serve_to_its_end()
                code, reason = NORMAL_CLOSURE, self.session.row.status
            except Restarting:
                pass
            except ApiError as error:
                metrics.REFUSALS.labels(error.code).inc()
                self._error_code = reason = error.code
                code = close_code(error)
                if code != RESTARTING:
                    await self.socket.send(messages.Error(error.body().error))
                await self._finish_without_client()
            except ClientGone:
                raise
            except Exception:
                logger.exception(
                    "session %(session_id)s: the connection failed", {"session_id": self.session.id}
                )
            await self.socket.close(code, reason)
        except ClientGone as gone:
            self._is_closed_by_client = gone.is_by_client
            await self._finish_without_client()
            code = gone.code
        return code

    async def _finish_without_client(self) -> None:
        """Finish a finalizing session at once, without waiting for another attach."""
        if self.session.is_finalizing:
            with contextlib.suppress(ApiError, Restarting, SessionEnded):
                await self.session.finish()

    async def _serve_to_its_end(self) -> None:
        await self.socket.send(self._batches.session_update())
        self._watch_deadline()
        try:
            while True:
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
                    case message:
                        await self._serve_message(message)
        except SessionEnded:
            await self._batches.send_last_events()
            await self.socket.send(messages.session_done(self.session.row))

    async def _serve_message(self, message: messages.ClientMessage) -> None:
        self.socket.turn.cost()
        is_control = not (isinstance(message, messages.FrameBatch) and message.frames)
        if is_control and not self._control_messages.take():
            raise RateLimited(
                1,
                limit_name="control_messages",
                counted="messages without frames",
                limit=int(CONTROL_MESSAGES_PER_SECOND),
                window_seconds=1,
            )
        match message:
            case messages.FrameBatch():
                with self.socket.heartbeat():
                    await self._serve_batch(message)
                await self._finish_if_finalizing()
            case messages.Finalize():
                with self.socket.heartbeat():
                    await self.session.end(session_finalize, project_id=self._project_id)
                    await self.socket.send(self._batches.session_update())
                    await self._finish()
            case messages.Cancel():
                await self.session.end(session_cancel, project_id=self._project_id)
            case messages.Ping():
                await self.socket.send(messages.Pong())
            case messages.Pong():
                pass

    async def _serve_batch(self, batch: messages.Batch) -> None:
        await (self._batches.refuse(batch) if self._is_ending else self._batches.serve(batch))

    # --- The ends -------------------------------------------------------------------------

    async def _reread(self) -> None:
        """Read the session's row again, and end if it has ended."""
        await self.session.refresh()
        await self._finish_if_finalizing()

    async def _finish_if_finalizing(self) -> None:
        """Finish the session if the API, staff, its target or its length has made it finalizing."""
        if self.session.is_finalizing and not self._is_ending:
            with self.socket.heartbeat():
                await self._serve_received()
                await self.socket.send(self._batches.session_update())
                await self._finish()

    async def _serve_received(self) -> None:
        """Serve MAX_RECEIVED of the batches that have arrived before a finalize or cancel."""
        served = 0
        while served < MAX_RECEIVED and self.socket.has_message():
            message: messages.ClientMessage | None = None
            with contextlib.suppress(ApiError):
                message = self.socket.waiting_message()
            if isinstance(message, messages.Finalize | messages.Cancel):
                return
            if isinstance(message, messages.FrameBatch):
                served += 1
                self.socket.turn.go_on()
                await self._serve_batch(message)
            await asyncio.sleep(0)  # so that the next is read

    async def _finish(self) -> None:
        """Finish the session, send its last events, and reject batches that came too late."""
        await self.session.finish()
        await self._batches.send_last_events()
        self._is_ending = True
        await self._serve_received()
        raise SessionEnded

    # --- Deadlines ------------------------------------------------------------------------

    def _watch_deadline(self, at_least: float = 0.01) -> None:
        seconds = RESEND_SECONDS
        if not self._is_ending:
            idle_at = self._idle_at()
            ends_at = min(idle_at, self.session.row.longest_until or idle_at)
            # A moment later, so that every comparison finds the deadline passed.
            seconds = max(at_least, (ends_at - clock.known_now()).total_seconds() + 0.01)
        loop = asyncio.get_running_loop()
        self._deadline = loop.call_later(seconds, self.socket.order, Order.TIME)

    async def _check_deadline(self) -> None:
        now, longest_until = clock.known_now(), self.session.row.longest_until
        if self._is_ending:
            with self.socket.heartbeat():
                await self._finish()
        elif longest_until is not None and longest_until <= now:
            await self._reread()
        elif self._idle_at() <= now:
            await self.session.end(
                session_abandon,
                attachment_id=self.session.attachment_id,
                last_message_at=self.socket.last_message_at(),
            )
            await self._finish_if_finalizing()
            # A downtime of the platform has extended the limit, which the next beat shows.
            self._watch_deadline(BEAT_SECONDS)
            return
        self._watch_deadline()

    def _idle_at(self) -> datetime:
        return self.socket.last_message_at() + timedelta(seconds=settings.SESSION_IDLE_SECONDS)
