"""The batches of one session: each is fed to the engine, made durable, and then acknowledged."""

import asyncio
import logging
import math
import time
from collections import Counter
from contextlib import nullcontext, suppress
from typing import Final

import msgspec
import psycopg

from kynaplatform import clock
from kynaplatform.timing import RETRY_SECONDS
from realtime import metrics
from realtime.checkpointer import Checkpointer
from realtime.fair_queue import SLICE_FRAMES
from realtime.frames import Frame, RejectReason, read_frame
from realtime.held_session import HeldSession
from realtime.messages import (
    EventBatch,
    FrameAck,
    FrameBatch,
    RejectedFrame,
    SessionUpdate,
)
from realtime.progress import Progress, Taken, repeated_clock, take_by_frame
from realtime.refusals import Restarting
from realtime.socket import Socket
from sessions_app.checkpoints import Checkpoint, Stored
from sessions_app.events import EventRecord, event_response
from sessions_app.session_ends import MESSAGES, RUNTIME_ERROR

logger = logging.getLogger("kynaplatform.realtime")

# What a database, or its adapter, says to what it will never store. All else is its own fault.
REFUSALS: Final = (psycopg.DataError, psycopg.IntegrityError, ValueError)
STORE_TRIES: Final = 3
STATE_NOT_STORED: Final = "The session's state could not be stored."


class Batches:
    """The handler of one socket's batches, which answers them on that socket."""

    def __init__(
        self, socket: Socket, held: HeldSession, progress: Progress, checkpointer: Checkpointer
    ) -> None:
        self._socket = socket
        self._held = held
        self._progress = progress
        self._events_told = progress.events
        self._checkpointer = checkpointer
        self.accepted_frames = 0
        # A checkpoint has renewed the lease then, or later; of clock.ticks.
        self.renewed_at = -math.inf

    async def serve(self, batch: FrameBatch) -> None:
        """Take the frames out of a batch, store them and acknowledge it.

        Its frames are taken in slices, between which other sockets are served. What happens to the
        session meanwhile is found by the one checkpoint. Raises SessionEnded if the engine fails.
        """
        arrived = time.monotonic()
        taken, is_short = Taken(), len(batch.frames) <= SLICE_FRAMES
        try:
            for count, _ in enumerate(take_by_frame(self._progress, batch, taken), 1):
                if self._socket.turn.ends_after(count):
                    await self._socket.next_turn()
        except Exception:
            logger.exception(
                "session %(session_id)s: the engine failed", {"session_id": self._held.id}
            )
            await self._held.fail(MESSAGES[RUNTIME_ERROR])
            raise
        # A new clock is stored though it causes no event: the engine may have lost the pose by it,
        # and when it is sent again it must not lose a person who has come since.
        checkpoint = self._checkpoint(taken) if batch.frames or taken.is_clock_new else None
        # Thousands of objects: the next batch takes their memory while it is in the CPU's cache.
        batch.frames.clear()
        self._socket.turn.cost()
        repeated = await self._held.events_caused(taken.repeated_seqs, taken.repeated_clock_ms)
        if checkpoint is not None:
            with self._socket.turn.turns.storing() if is_short else nullcontext():
                await self._store(checkpoint)
            self.accepted_frames += taken.accepted
        self._socket.turn.pay_for_events(stored=len(taken.events), repeated=len(repeated))
        new = [event_response(self._held.id, event) for event in taken.events]
        await self._answer(batch, [*repeated, *new], taken.accepted, taken.rejected, arrived)
        self._events_told = self._progress.events

    async def refuse(self, batch: FrameBatch) -> None:
        """Reject a batch that came too late, and send again the events that it caused before."""
        arrived = time.monotonic()
        self._progress.last_batch_seq = max(self._progress.last_batch_seq, batch.batch_seq)
        seqs = []
        for count, frame in enumerate(batch.frames, 1):
            if isinstance(frame, msgspec.Raw):
                frame = read_frame(bytes(frame), in_detail=False)
                if self._socket.turn.ends_after(count):
                    await self._socket.next_turn()
            if isinstance(frame, Frame):
                seqs.append(frame.frame_seq)
        events = await self._held.events_caused(seqs, repeated_clock(self._progress, batch))
        self._socket.turn.pay_for_events(repeated=len(events))
        rejected = [
            RejectedFrame(index, RejectReason.SESSION_ENDING) for index in range(len(batch.frames))
        ]
        await self._answer(batch, events, 0, rejected, arrived)

    async def tell_last_events(self) -> None:
        """Send the events of the session's end, which another process may have stored."""
        events = await self._held.events_behind(self._events_told)
        await self._send_events(max(1, self._progress.last_batch_seq), events)
        self._events_told += len(events)

    def session_update(self) -> SessionUpdate:
        """The session's progress, with what its row does not store yet."""
        row, progress = self._held.row, self._progress
        return SessionUpdate(
            session_id=str(row.id),
            status=row.status,
            accepted_frames_total=progress.accepted_frames,
            terminal_outcome=row.terminal_outcome,
            last_batch_seq=progress.last_batch_seq,
            last_frame_seq=progress.last_frame_seq,
            readiness=progress.readiness(),
            events_thinned=progress.event_bucket.thinned,
        )

    async def _answer(
        self,
        batch: FrameBatch,
        events: list[EventRecord],
        accepted: int,
        rejected: list[RejectedFrame],
        arrived: float,
    ) -> None:
        await self._send_events(batch.batch_seq, events)
        await self._socket.send(
            FrameAck(
                batch_seq=batch.batch_seq,
                accepted_frame_count=accepted,
                accepted_frames_total=self._progress.accepted_frames,
                rejected_frame_indexes=[frame.index for frame in rejected],
                rejected_frames=rejected,
                readiness=self._progress.readiness(),
                hold=self._progress.hold(),
                events_thinned=self._progress.event_bucket.thinned,
            )
        )
        reasons = Counter(frame.reason.value for frame in rejected)
        metrics.count_batch(accepted, reasons, time.monotonic() - arrived)

    async def _send_events(self, batch_seq: int, events: list[EventRecord]) -> None:
        if events:
            await self._socket.send(EventBatch(batch_seq, events))

    async def _store(self, checkpoint: Checkpoint) -> None:
        """Store the checkpoint. Raises SessionEnded, SessionSuperseded or Restarting."""
        since = clock.ticks()
        stored = await self._try_to_store(checkpoint)
        if stored is Stored.DUE:
            # At the longest session it is finalizing and still held: what came is stored.
            await self._held.refresh()
            stored = await self._try_to_store(checkpoint)
        if stored is not Stored.HELD:
            await self._held.refresh()
            raise Restarting
        self.renewed_at = since
        self._progress.checkpoint_number = checkpoint.number

    async def _try_to_store(self, checkpoint: Checkpoint) -> Stored:
        """Store it. The session fails where the database refuses it STORE_TRIES times.

        Its client would send the same frames again after each attach.
        """
        for _ in range(STORE_TRIES - 1):
            with suppress(*REFUSALS):
                return await self._checkpointer.store(checkpoint)
            await asyncio.sleep(RETRY_SECONDS)
        try:
            return await self._checkpointer.store(checkpoint)
        except REFUSALS:
            await self._held.fail(STATE_NOT_STORED)
            raise

    def _checkpoint(self, taken: Taken) -> Checkpoint:
        progress = self._progress
        return Checkpoint(
            session_id=self._held.id,
            attachment_id=self._held.attachment_id,
            number=progress.checkpoint_number + 1,
            packed_state=progress.packed_state(),
            accepted_frames=taken.accepted,
            rejected_frames=len(taken.rejected) - len(taken.repeated_seqs),
            last_frame_seq=progress.last_frame_seq,
            last_batch_seq=progress.last_batch_seq,
            last_message_at=self._socket.last_message_at(),
            events=taken.events,
        )
