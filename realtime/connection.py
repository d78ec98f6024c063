"""One attached socket: batches to events and acknowledgements, and every way that it ends.

Everything of a session happens in one task, in order. What takes the session away from it, the
control plane, a newer attach or a deadline, is found in the session's row and nowhere else:
`_look` reads it and does what the row says.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final, cast
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from kynaplatform.api.errors import ApiError, InternalError, RateLimited
from realtime import messages, metrics
from realtime.allowance import Allowance
from realtime.attach import Attached
from realtime.batches import Taken, take
from realtime.checkpointer import Checkpointer
from realtime.heartbeat import Heartbeat
from realtime.held_session import HeldSession, SessionEnded
from realtime.messages import (
    Cancel,
    EventBatch,
    Finalize,
    FrameAck,
    FrameBatch,
    Ping,
    Pong,
    session_done,
    session_update,
)
from realtime.refusals import CLOSED_BY_US, RESTARTING, MessageInvalid, Restarting, close_code
from realtime.socket import ClientGone, Order, Socket
from sessions_app.checkpoints import Checkpoint
from sessions_app.events import (
    EventRecord,
    EventTypeName,
    event_id,
    present_ts,
)
from sessions_app.leases import Attachment

logger = logging.getLogger("kynaplatform.realtime")

# Of what is no frame: a client that only talks is bounded by this, one that streams by TCP.
IDLE_TALK_A_SECOND: Final = 20.0
MOST_IDLE_TALK: Final = 100.0
# Batches that may have arrived, behind each other, when an end is noticed: the session's, or the
# process's; and as many that came too late.
MOST_RECEIVED: Final = 8
# For a client that attaches while its session is finalizing: to send again what was not answered.
RESEND_SECONDS: Final = 2.0


class Connection:
    """A socket that holds a session, until `serve` returns the code that it was closed with."""

    def __init__(self, socket: Socket, attached: Attached, checkpointer: Checkpointer) -> None:
        self.socket = socket
        self._held = HeldSession(attached.session, attached.attachment_id)
        self._progress = attached.progress
        self._events_told = attached.progress.events
        self._is_ending = self._held.is_finalizing
        self._checkpointer = checkpointer
        socket.hear()  # the attach counts as a message
        self._talk = Allowance(MOST_IDLE_TALK, IDLE_TALK_A_SECOND)
        self._heartbeat = Heartbeat(socket)
        self._deadline: asyncio.TimerHandle | None = None

    @property
    def session_id(self) -> UUID:
        return self._held.id

    @property
    def attachment_id(self) -> UUID:
        return self._held.attachment_id

    def attachment(self) -> Attachment:
        return Attachment(self.session_id, self.attachment_id, self._last_message_at())

    async def serve(self) -> int:
        """Speak first, then serve the client to its end. Answers the close code."""
        code = RESTARTING
        try:
            code = await self._serve()
        finally:
            if self._deadline is not None:
                self._deadline.cancel()
            await self._held.detach(code, self._last_message_at())
        return code

    async def _serve(self) -> int:
        try:
            try:
                await self._serve_to_the_end()
                code = CLOSED_BY_US
            except Restarting:
                code = RESTARTING
            except ApiError as error:
                metrics.REFUSALS.labels(error.code).inc()
                code = close_code(error)
                if code != RESTARTING:
                    await self.socket.send(messages.error_message(error))
            except ClientGone:
                raise
            except Exception:
                logger.exception("session %s: the connection failed", self.session_id)
                code = RESTARTING
            await self.socket.close(code)
        except ClientGone as gone:
            await self._finish_alone()
            return gone.code
        return code

    async def _finish_alone(self) -> None:
        """Its client has left, and with it whoever would attach to a session that is finalizing."""
        if self._held.is_finalizing:
            with contextlib.suppress(ApiError, Restarting, SessionEnded):
                await self._held.finish()

    async def _serve_to_the_end(self) -> None:
        await self.socket.send(session_update(self._held.row))
        self._watch_deadline()
        try:
            while True:
                await self._serve_next()
        except SessionEnded:
            await self._send_last_events()
            await self.socket.send(session_done(self._held.row))

    async def _serve_next(self) -> None:
        match await self.socket.next():
            case Order.LOOK:
                await self._look()
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
        is_talk = not (isinstance(message, FrameBatch) and message.frames)
        if is_talk and not self._talk.spend():
            raise RateLimited(1)
        match message:
            case FrameBatch():
                with self._heartbeat:
                    await self._serve_batch(message)
            case Finalize():
                with self._heartbeat:
                    await self._held.finalize()
                    await self._conclude()
            case Cancel():
                await self._held.cancel()
            case Ping():
                await self.socket.send(Pong())
            case Pong():
                self._heartbeat.answered()

    # --- Batches --------------------------------------------------------------------------

    async def _serve_batch(self, batch: FrameBatch) -> None:
        if self._is_ending:
            await self._refuse_batch(batch)
            return
        arrived = time.monotonic()
        try:
            taken = take(self._progress, batch)
        except Exception as error:
            logger.exception("session %s: the engine failed", self.session_id)
            await self._held.fail()
            raise InternalError from error
        repeated = await self._held.events_of_frames(taken.repeated_seqs)
        if batch.frames:
            await self._store(self._checkpoint(taken))
        events = [*repeated, *self._records(taken)]
        await self._answer(batch, events, taken.accepted, taken.rejected_indexes, arrived)
        self._events_told = self._progress.events

    async def _refuse_batch(self, batch: FrameBatch) -> None:
        """One that comes too late: what its frames have caused before is told once more."""
        arrived = time.monotonic()
        seqs = [frame.frame_seq for frame in batch.frames if frame is not None]
        events = await self._held.events_of_frames(seqs)
        await self._answer(batch, events, 0, range(len(batch.frames)), arrived)

    async def _answer(
        self,
        batch: FrameBatch,
        events: list[EventRecord],
        accepted: int,
        rejected: Collection[int],
        arrived: float,
    ) -> None:
        await self._send_events(batch.batch_seq, events)
        await self.socket.send(
            FrameAck(batch.batch_seq, accepted, self._progress.accepted_frames, list(rejected))
        )
        metrics.count_batch(accepted, len(rejected), time.monotonic() - arrived)

    async def _store(self, checkpoint: Checkpoint) -> None:
        """Make a batch durable; where the session is not ours any more, do what its row says."""
        if not await self._checkpointer.store(checkpoint):
            # Where the longest session has passed, the row is to say so: then it is still ours,
            # and what was received before is stored.
            await self._held.settle()
            if not await self._checkpointer.store(checkpoint):
                await self._held.refresh()
                raise Restarting
            self.socket.order(Order.LOOK)
        self._progress.checkpoint_number = checkpoint.number

    def _checkpoint(self, taken: Taken) -> Checkpoint:
        progress = self._progress
        return Checkpoint(
            session_id=self.session_id,
            attachment_id=self.attachment_id,
            number=progress.checkpoint_number + 1,
            engine_state=progress.engine_state(),
            accepted_frames=taken.accepted,
            rejected_frames=len(taken.rejected_indexes),
            last_frame_seq=progress.last_frame_seq,
            last_batch_seq=progress.last_batch_seq,
            last_message_at=self._last_message_at(),
            events=taken.events,
        )

    def _records(self, taken: Taken) -> list[EventRecord]:
        return [
            EventRecord(
                event_id=event_id(self.session_id, event.sequence),
                session_id=self.session_id,
                ts_ms=present_ts(event.ts_ms),
                type=cast(EventTypeName, event.type),
                payload=event.payload,
            )
            for event in taken.events
        ]

    async def _send_events(self, batch_seq: int, events: list[EventRecord]) -> None:
        if events:
            await self.socket.send(EventBatch(batch_seq, events))

    # --- The ends -------------------------------------------------------------------------

    async def _look(self) -> None:
        """Read the session again, and end with it, or go on."""
        await self._held.refresh()
        if self._held.is_finalizing and not self._is_ending:
            with self._heartbeat:
                await self._serve_received()
                await self._conclude()

    async def _serve_received(self) -> None:
        """What has arrived by now: not all that a client goes on sending."""
        for _ in range(MOST_RECEIVED):
            batch = self._waiting_batch()
            if batch is None:
                return
            await self._serve_batch(batch)
            await asyncio.sleep(0)

    async def _conclude(self) -> None:
        row = self._held.row
        row.accepted_frames_total = self._progress.accepted_frames
        row.last_frame_seq = self._progress.last_frame_seq
        row.last_batch_seq = self._progress.last_batch_seq
        await self.socket.send(session_update(row))
        await self._finish()

    async def _finish(self) -> None:
        """The last events, and an answer to whatever came too late."""
        await self._held.finish()
        await self._send_last_events()
        self._is_ending = True
        await self._serve_received()
        raise SessionEnded

    async def _send_last_events(self) -> None:
        """Those of the end itself, whoever has brought it about."""
        events = await self._held.events_after(self._events_told)
        await self._send_events(max(1, self._progress.last_batch_seq), events)
        self._events_told += len(events)

    def _waiting_batch(self) -> FrameBatch | None:
        """The batch that has arrived; whatever else has is passed over."""
        while self.socket.has_message():
            try:
                message = messages.decode(self.socket.waiting_message() or "")
            except ApiError:
                continue
            if isinstance(message, FrameBatch):
                return message
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
        return max(0.0, (ends_at - timezone.now()).total_seconds()) + 0.01

    async def _check_deadline(self) -> None:
        now = timezone.now()
        if self._is_ending:
            with self._heartbeat:
                await self._finish()
        elif self._held.row.longest_until is not None and self._held.row.longest_until <= now:
            await self._held.settle()
            await self._look()
        elif self._idle_at() <= now:
            await self._held.abandon(self._last_message_at())
            await self._look()
        self._watch_deadline()

    def _idle_at(self) -> datetime:
        return self._last_message_at() + timedelta(seconds=settings.SESSION_IDLE_SECONDS)

    def _last_message_at(self) -> datetime:
        # Not by the loop's clock, which is cut to milliseconds: that is a hair too early.
        return timezone.now() - timedelta(seconds=self.socket.silent_seconds())
