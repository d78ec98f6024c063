"""The session that a socket has the lease of: its row, its transitions, and its batches.

API, admin and worker call the same functions for the transitions. Each raises Restarting once the
database has been away for too long. A batch goes to the engine, is stored, and is then
acknowledged.
"""

import asyncio
import logging
import math
import time
from collections import Counter
from collections.abc import Callable
from contextlib import nullcontext, suppress
from datetime import datetime
from functools import partial
from typing import Any, Final, TypeVar
from uuid import UUID

import msgspec
import psycopg

from kynaplatform import clock
from kynaplatform.api.errors import ApiError
from kynaplatform.timing import RETRY_SECONDS
from realtime import metrics
from realtime.checkpointer import Checkpointer
from realtime.database import FOR_SESSIONS, in_database
from realtime.fair_queue import REPEATED_EVENT_SECONDS, SLICE_FRAMES, STORED_EVENT_SECONDS
from realtime.frames import Rejection, RejectReason, read_frame
from realtime.messages import Batch, EventBatch, FrameAck, RejectedFrame, SessionUpdate
from realtime.progress import BatchResult, Progress
from realtime.refusals import Restarting, SessionSuperseded
from realtime.socket import Socket
from sessions_app.attachments import session_detach
from sessions_app.checkpoints import AttachmentLost, Checkpoint, CheckpointOutcome
from sessions_app.events import EventRecord, event_response, events_after_sequence, events_caused
from sessions_app.finish import session_finish
from sessions_app.lifecycle import session_fail, session_settle
from sessions_app.models import LIVE_STATUSES, DetectionEvent, DetectionSession, Status
from sessions_app.session_ends import MESSAGES, RUNTIME_ERROR
from sessions_app.stream_state import LABELS, STATE_COLUMNS

logger = logging.getLogger("kynaplatform.realtime")

Answer = TypeVar("Answer")

# Raised by the database or its adapter for data that can never be stored.
REFUSALS: Final = (psycopg.DataError, psycopg.IntegrityError, ValueError)
STORE_TRIES: Final = 3
STATE_NOT_STORED: Final = "The session's state could not be stored."


class SessionEnded(Exception):
    """The session has ended; the `row` of its LeasedSession says how."""


class LeasedSession:
    """One attachment of a session, and the session's progress. `row` is as it was last read."""

    def __init__(self, row: DetectionSession, attachment_id: UUID, progress: Progress) -> None:
        self.row = row
        self.id: UUID = row.id
        self.attachment_id = attachment_id
        self.progress = progress

    @property
    def is_finalizing(self) -> bool:
        return self.row.status == Status.FINALIZING

    async def refresh(self) -> None:
        """Settle a passed deadline, and read the row again.

        Raises SessionEnded, or SessionSuperseded once a newer attachment has the session.
        """
        self.row = await self._do(_read)
        if self.row.status not in LIVE_STATUSES:
            raise SessionEnded
        if self.row.attachment_id != self.attachment_id:
            raise SessionSuperseded

    async def finish(self) -> None:
        """Complete the finalizing session, with the last events of the engine."""
        try:
            self.row = await self._do(session_finish, attachment_id=self.attachment_id)
        except AttachmentLost:
            await self.refresh()
            raise Restarting from None

    async def fail(self, message: str) -> None:
        """Fail a session whose engine or state can't go on."""
        await self.end(session_fail, attachment_id=self.attachment_id, message=message)

    async def detach(self, close_code: int, last_message_at: datetime) -> None:
        with suppress(Restarting):  # then it stays attached until its lease runs out
            await self._do(
                session_detach,
                attachment_id=self.attachment_id,
                close_code=close_code,
                last_message_at=last_message_at,
            )

    async def events(
        self, read: Callable[..., list[DetectionEvent]], **arguments: Any
    ) -> list[EventRecord]:
        rows = await in_database(FOR_SESSIONS, partial(read, session_id=self.id, **arguments))
        return [event_response(self.id, row) for row in rows]

    async def end(self, transition: Callable[..., None], **arguments: Any) -> None:
        """Try a transition. `refresh` finds whether it, or another, has ended the session."""
        try:
            await self._do(transition, **arguments)
        except AttachmentLost:
            pass
        except ApiError as error:
            logger.info(
                "session %(session_id)s: %(error)s", {"session_id": self.id, "error": error}
            )
        await self.refresh()

    async def _do(self, function: Callable[..., Answer], **arguments: Any) -> Answer:
        """Call `function` for this session, with a new `now` in each try."""
        return await in_database(
            FOR_SESSIONS, lambda: function(session_id=self.id, **arguments, now=clock.now())
        )


def _read(*, session_id: UUID, now: datetime) -> DetectionSession:
    session_settle(session_id=session_id, now=now)
    known = DetectionSession.objects.defer(*STATE_COLUMNS, *LABELS)
    session = known.filter(id=session_id).first()
    if session is None:
        raise Restarting
    return session


# The client's landmarker can't say what is hidden, so everything counts as seen.
NO_VISIBILITY: Final = "no_visibility"


class Batches:
    """The handler of one socket's batches, which answers them on that socket."""

    def __init__(self, socket: Socket, session: LeasedSession, checkpointer: Checkpointer) -> None:
        self._socket = socket
        self._session = session
        self._progress = session.progress
        self._events_sent = session.progress.events
        self._checkpointer = checkpointer
        self.accepted_frames = 0
        # When a checkpoint last renewed the lease, or shortly before; by clock.ticks.
        self.renewed_at = -math.inf

    async def serve(self, batch: Batch) -> None:
        """Feed a batch to the engine, store its checkpoint and acknowledge it.

        Between slices of its frames other sockets are served. If the session changes meanwhile, the
        checkpoint is not stored. Raises SessionEnded if the engine fails.
        """
        result, is_short = BatchResult(self._progress, batch), len(batch.frames) <= SLICE_FRAMES
        try:
            for count, _ in enumerate(result.feed(), 1):
                if self._socket.turn.ends_after(count):
                    await self._socket.next_turn()
        except Exception:
            logger.exception(
                "session %(session_id)s: the engine failed", {"session_id": self._session.id}
            )
            await self._session.fail(MESSAGES[RUNTIME_ERROR])
            raise
        # A new clock is stored even without an event. The engine may have lost the pose by it; sent
        # again, the clock must not lose a person who has come since.
        checkpoint = self._checkpoint(result) if batch.frames or result.is_clock_new else None
        # The next batch reuses the memory of thousands of objects while the CPU has it in cache.
        batch.frames.clear()
        self._socket.turn.cost()
        if checkpoint is not None:
            with self._socket.turn.turns.storing() if is_short else nullcontext():
                await self._store(checkpoint)
            self.accepted_frames += result.accepted
            if checkpoint.is_target_reached:
                await self._session.refresh()
        await self._answer(batch, result)
        self._events_sent = self._progress.events

    async def refuse(self, batch: Batch) -> None:
        """Reject a late batch, and send again the events that it caused before."""
        result = BatchResult(self._progress, batch)
        self._progress.last_batch_seq = max(self._progress.last_batch_seq, batch.batch_seq)
        for index, frame in enumerate(batch.frames):
            if isinstance(frame, msgspec.Raw):
                frame = read_frame(bytes(frame))
                if self._socket.turn.ends_after(index + 1):
                    await self._socket.next_turn()
            if not isinstance(frame, Rejection):
                result.repeated_seqs.append(frame.frame_seq)
            result.rejected.append(RejectedFrame(index, RejectReason.SESSION_ENDING))
        await self._answer(batch, result)

    async def send_last_events(self) -> None:
        """Send the events of the session's end, which another process may have stored."""
        more = self._session.row.events_total - self._events_sent
        if more > 0:
            events = await self._session.events(
                events_after_sequence, sequence=self._events_sent, limit=more
            )
            await self._send_events(max(1, self._progress.last_batch_seq), events)
            self._events_sent += len(events)

    def session_update(self) -> SessionUpdate:
        """The session's progress, beyond what its row has stored."""
        row, progress = self._session.row, self._progress
        return SessionUpdate(
            session_id=str(row.id),
            status=row.status,
            accepted_frames_total=progress.intake.accepted_frames,
            terminal_outcome=row.terminal_outcome,
            last_batch_seq=progress.last_batch_seq,
            last_frame_seq=progress.intake.last_frame_seq,
            readiness=progress.readiness(),
            events_thinned=progress.event_bucket.thinned,
            warnings=[NO_VISIBILITY] if (row.landmarker or {}).get("visibility") is False else [],
        )

    async def _answer(self, batch: Batch, result: BatchResult) -> None:
        """Acknowledge a batch, after its events and those that its frames have caused before."""
        events: list[EventRecord] = []
        if result.repeated_seqs or result.repeated_clock_ms is not None:
            events = await self._session.events(
                events_caused, frame_seqs=result.repeated_seqs, clock_ms=result.repeated_clock_ms
            )
        self._socket.turn.pay(
            len(result.events) * STORED_EVENT_SECONDS + len(events) * REPEATED_EVENT_SECONDS
        )
        events += [event_response(self._session.id, event) for event in result.events]
        await self._send_events(batch.batch_seq, events)
        await self._socket.send(
            FrameAck(
                batch_seq=batch.batch_seq,
                accepted_frame_count=result.accepted,
                accepted_frames_total=self._progress.intake.accepted_frames,
                rejected_frame_indexes=[frame.index for frame in result.rejected],
                rejected_frames=result.rejected,
                readiness=self._progress.readiness(),
                hold=self._progress.hold(),
                events_thinned=self._progress.event_bucket.thinned,
            )
        )
        metrics.FRAMES_ACCEPTED.inc(result.accepted)
        for reason, frames in Counter(frame.reason.value for frame in result.rejected).items():
            metrics.FRAMES_REJECTED.inc(frames)
            metrics.REJECTED.labels(reason).inc(frames)
        is_rejected = result.rejected and not result.accepted
        (metrics.BATCHES_REJECTED if is_rejected else metrics.BATCHES_ACCEPTED).inc()
        metrics.BATCH_SECONDS.observe(time.monotonic() - self._socket.arrived_at)

    async def _send_events(self, batch_seq: int, events: list[EventRecord]) -> None:
        if events:
            await self._socket.send(EventBatch(batch_seq, events))

    async def _store(self, checkpoint: Checkpoint) -> None:
        """Store the checkpoint. Raises SessionEnded, SessionSuperseded or Restarting."""
        since = clock.ticks()
        stored = await self._try_to_store(checkpoint)
        if stored is CheckpointOutcome.DUE:
            # A session of maximum length is finalizing and still leased: the batch is stored.
            await self._session.refresh()
            stored = await self._try_to_store(checkpoint)
        if stored is not CheckpointOutcome.STORED:
            await self._session.refresh()
            raise Restarting
        self.renewed_at = since
        self._progress.checkpoint_number = checkpoint.number

    async def _try_to_store(self, checkpoint: Checkpoint) -> CheckpointOutcome:
        """Store the checkpoint, or fail the session once the database has refused it three times.

        Otherwise the client would send the same frames again after each attach.
        """
        for _ in range(STORE_TRIES - 1):
            with suppress(*REFUSALS):
                return await self._checkpointer.store(checkpoint)
            await asyncio.sleep(RETRY_SECONDS)
        try:
            return await self._checkpointer.store(checkpoint)
        except REFUSALS:
            await self._session.fail(STATE_NOT_STORED)
            raise

    def _checkpoint(self, result: BatchResult) -> Checkpoint:
        progress = self._progress
        return Checkpoint(
            session_id=self._session.id,
            attachment_id=self._session.attachment_id,
            number=progress.checkpoint_number + 1,
            packed_state=progress.packed_state(),
            accepted_frames=result.accepted,
            rejected_frames=result.rejected_frames,
            last_frame_seq=progress.intake.last_frame_seq,
            last_batch_seq=progress.last_batch_seq,
            is_target_reached=progress.is_target_reached,
            last_message_at=self._socket.last_message_at(),
            events=result.events,
        )
