"""The session that a socket has the lease of: its row, and the transitions that the socket makes.

API, admin and worker call the same functions for them. Each raises Restarting once the database has
been away for too long.
"""

import contextlib
import logging
from collections.abc import Callable, Collection
from datetime import datetime
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

from kynaplatform import clock
from kynaplatform.api.errors import ApiError
from realtime.database import FOR_SESSIONS, in_database
from realtime.refusals import Restarting, SessionSuperseded
from sessions_app.attachments import session_detach
from sessions_app.events import EventRecord, event_response, events_behind, events_caused
from sessions_app.finish import session_finish
from sessions_app.leases import AttachmentLost
from sessions_app.lifecycle import (
    session_abandon,
    session_cancel,
    session_fail,
    session_finalize,
    session_settle,
)
from sessions_app.models import LIVE_STATUSES, DetectionEvent, DetectionSession, Status
from sessions_app.stream_state import LABELS, STATE_COLUMNS

logger = logging.getLogger("kynaplatform.realtime")

Answer = TypeVar("Answer")


class SessionEnded(Exception):
    """The session has ended; the `row` of its LeasedSession says how."""


class LeasedSession:
    """One attachment of a session. `row` is the session as it was last read."""

    def __init__(self, row: DetectionSession, attachment_id: UUID) -> None:
        self.row = row
        self.id: UUID = row.id
        self.attachment_id = attachment_id

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

    async def finalize(self) -> None:
        await self._end(session_finalize, project_id=self.row.project_id)

    async def cancel(self) -> None:
        await self._end(session_cancel, project_id=self.row.project_id)

    async def finish(self) -> None:
        """Complete the finalizing session, with the last events of the engine."""
        try:
            self.row = await self._do(session_finish, attachment_id=self.attachment_id)
        except AttachmentLost:
            await self.refresh()
            raise Restarting from None

    async def abandon(self, last_message_at: datetime) -> None:
        await self._end(
            session_abandon, attachment_id=self.attachment_id, last_message_at=last_message_at
        )

    async def fail(self, message: str) -> None:
        """Fail a session whose engine or state can't go on."""
        await self._end(
            session_fail,
            attachment_id=self.attachment_id,
            message=message,
        )

    async def detach(self, close_code: int, last_message_at: datetime) -> None:
        with contextlib.suppress(Restarting):  # then it stays attached until its lease runs out
            await self._do(
                session_detach,
                attachment_id=self.attachment_id,
                close_code=close_code,
                last_message_at=last_message_at,
            )

    async def events_caused(
        self, frame_seqs: Collection[int], clock_ms: float | None
    ) -> list[EventRecord]:
        """The events that these frames and this clock have caused, in order."""
        if not frame_seqs and clock_ms is None:
            return []
        return await self._events(events_caused, frame_seqs=frame_seqs, clock_ms=clock_ms)

    async def events_after(self, sequence: int) -> list[EventRecord]:
        """The events after the one with this sequence, as far as the row counts them."""
        more = self.row.events_total - sequence
        if more <= 0:
            return []
        return await self._events(events_behind, sequence=sequence, limit=more)

    async def _events(
        self, read: Callable[..., list[DetectionEvent]], **arguments: Any
    ) -> list[EventRecord]:
        rows = await in_database(FOR_SESSIONS, partial(read, session_id=self.id, **arguments))
        return [event_response(self.id, row) for row in rows]

    async def _end(self, transition: Callable[..., None], **arguments: Any) -> None:
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
