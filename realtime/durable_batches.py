"""The batches of one session, each made durable before its events and its ack are told."""

import logging
import time
from collections import Counter
from typing import cast

from realtime import metrics
from realtime.batches import Progress, Taken, repeated_clock, take
from realtime.checkpointer import Checkpointer
from realtime.frames import Frame, RejectReason
from realtime.held_session import HeldSession
from realtime.messages import (
    EventBatch,
    FrameAck,
    FrameBatch,
    RejectedFrame,
    SessionUpdate,
    session_update,
)
from realtime.refusals import Restarting
from realtime.socket import Order, Socket
from sessions_app.checkpoints import Checkpoint
from sessions_app.events import EventRecord, EventTypeName, event_id, present_ts

logger = logging.getLogger("kynaplatform.realtime")


class DurableBatches:
    """Takes the batches that a socket has read, and answers them on it."""

    def __init__(
        self, socket: Socket, held: HeldSession, progress: Progress, checkpointer: Checkpointer
    ) -> None:
        self._socket = socket
        self._held = held
        self._progress = progress
        self._events_told = progress.events
        self._checkpointer = checkpointer
        self.accepted_frames = 0

    async def serve(self, batch: FrameBatch) -> None:
        """Raises SessionEnded where the engine raises: the session has failed."""
        arrived = time.monotonic()
        try:
            taken = take(self._progress, batch)
        except Exception:
            logger.exception(
                "session %(session_id)s: the engine failed", {"session_id": self._held.id}
            )
            await self._held.fail()
            raise
        # A clock counts though it causes no event: the engine may have lost the pose by it, and
        # sent again it must lose nobody who came after it.
        checkpoint = self._checkpoint(taken) if batch.frames or taken.is_clock_new else None
        self._socket.turn.cost()
        repeated = await self._held.events_caused(taken.repeated_seqs, taken.repeated_clock_ms)
        if checkpoint is not None:
            await self._store(checkpoint)
            self.accepted_frames += taken.accepted
        events = [*repeated, *self._records(taken)]
        await self._answer(batch, events, taken.accepted, taken.rejected, arrived)
        self._events_told = self._progress.events

    async def refuse(self, batch: FrameBatch) -> None:
        """One that comes too late: what it has caused before is told once more."""
        arrived = time.monotonic()
        self._progress.last_batch_seq = max(self._progress.last_batch_seq, batch.batch_seq)
        seqs = [frame.frame_seq for frame in batch.frames if isinstance(frame, Frame)]
        events = await self._held.events_caused(seqs, repeated_clock(self._progress, batch))
        rejected = [
            RejectedFrame(index, RejectReason.SESSION_ENDING) for index in range(len(batch.frames))
        ]
        await self._answer(batch, events, 0, rejected, arrived)

    async def tell_last_events(self) -> None:
        """Those of the session's end itself, whoever has brought it about."""
        events = await self._held.events_after(self._events_told)
        await self._send_events(max(1, self._progress.last_batch_seq), events)
        self._events_told += len(events)

    def current_update(self) -> SessionUpdate:
        """How far the session has come, also with what its row did not say when it was read."""
        row = self._held.row
        row.accepted_frames_total = self._progress.accepted_frames
        row.last_frame_seq = self._progress.last_frame_seq
        row.last_batch_seq = self._progress.last_batch_seq
        return session_update(row)

    async def _answer(
        self,
        batch: FrameBatch,
        events: list[EventRecord],
        accepted: int,
        rejected: list[RejectedFrame],
        arrived: float,
    ) -> None:
        await self._send_events(batch.batch_seq, events)
        ack = FrameAck(
            batch_seq=batch.batch_seq,
            accepted_frame_count=accepted,
            accepted_frames_total=self._progress.accepted_frames,
            rejected_frame_indexes=[frame.index for frame in rejected],
            rejected_frames=rejected,
        )
        await self._socket.send(ack)
        reasons = Counter(frame.reason.value for frame in rejected)
        metrics.count_batch(accepted, reasons, time.monotonic() - arrived)

    async def _send_events(self, batch_seq: int, events: list[EventRecord]) -> None:
        if events:
            await self._socket.send(EventBatch(batch_seq, events))

    async def _store(self, checkpoint: Checkpoint) -> None:
        """Where the session is not ours any more, do what its row says."""
        if not await self._checkpointer.store(checkpoint):
            # Where the longest session has passed, the row is to say so: then it is still ours,
            # and what was received before is stored.
            await self._held.settle()
            if not await self._checkpointer.store(checkpoint):
                await self._held.refresh()
                raise Restarting
            self._socket.order(Order.REREAD)
        self._progress.checkpoint_number = checkpoint.number

    def _checkpoint(self, taken: Taken) -> Checkpoint:
        progress = self._progress
        return Checkpoint(
            session_id=self._held.id,
            attachment_id=self._held.attachment_id,
            number=progress.checkpoint_number + 1,
            engine_state=progress.engine_state(),
            accepted_frames=taken.accepted,
            rejected_frames=len(taken.rejected),
            last_frame_seq=progress.last_frame_seq,
            last_batch_seq=progress.last_batch_seq,
            last_message_at=self._socket.last_message_at(),
            events=taken.events,
        )

    def _records(self, taken: Taken) -> list[EventRecord]:
        return [
            EventRecord(
                event_id=event_id(self._held.id, event.sequence),
                session_id=self._held.id,
                ts_ms=present_ts(event.ts_ms),
                type=cast(EventTypeName, event.type),
                payload=event.payload,
            )
            for event in taken.events
        ]
