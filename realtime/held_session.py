"""The session that a socket holds, as its row says: what moves it on is asked for here.

Each function is the one that API, admin and worker call as well. All of them raise Restarting
when the database has been away for too long.
"""

import contextlib
import logging
from collections.abc import Callable, Collection
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from kynaplatform import clock
from kynaplatform.api.errors import ApiError
from realtime.database import FOR_SESSIONS, in_database
from realtime.refusals import Restarting, SessionSuperseded
from sessions_app.attaching import session_detach
from sessions_app.events import (
    EventRecord,
    events_behind,
    events_caused,
    present_event,
)
from sessions_app.fencing import AttachmentLost
from sessions_app.finishing import RUNTIME_ERROR, RUNTIME_ERROR_MESSAGE, session_finish
from sessions_app.lifecycle import (
    session_abandon,
    session_cancel,
    session_fail,
    session_finalize,
    session_settle,
)
from sessions_app.models import LIVE_STATUSES, DetectionSession, Status

logger = logging.getLogger("kynaplatform.realtime")

Answer = TypeVar("Answer")


class SessionEnded(Exception):
    """The session has come to its end: `row` is how."""


class HeldSession:
    """One attachment of a session; `row` is the session as it was last read."""

    def __init__(self, row: DetectionSession, attachment_id: UUID) -> None:
        self.row = row
        self.attachment_id = attachment_id

    @property
    def id(self) -> UUID:
        return self.row.id

    @property
    def is_finalizing(self) -> bool:
        return self.row.status == Status.FINALIZING

    async def refresh(self) -> None:
        """Read the row again. Raises SessionEnded, and SessionSuperseded once another holds it."""
        self.row = await self._do(_read)
        if self.row.status not in LIVE_STATUSES:
            raise SessionEnded
        if self.row.attachment_id != self.attachment_id:
            raise SessionSuperseded

    async def finalize(self) -> None:
        await self._request(session_finalize)

    async def cancel(self) -> None:
        await self._request(session_cancel)

    async def _request(self, end: Callable[..., None]) -> None:
        """Ask for an end as the API does. That it has ended otherwise, `refresh` finds."""
        try:
            await self._do(end, project_id=self.row.project_id)
        except ApiError as error:
            logger.info(
                "session %(session_id)s: %(error)s", {"session_id": self.id, "error": error}
            )
        await self.refresh()

    async def finish(self) -> None:
        """Finalizing → completed, by the engine's own finish."""
        try:
            self.row = await self._do(session_finish, attachment_id=self.attachment_id)
        except AttachmentLost:
            await self.refresh()
            raise Restarting from None

    async def settle(self) -> None:
        """Do what a deadline that has passed does."""
        await self._do(session_settle)
        await self.refresh()

    async def abandon(self, last_message_at: datetime) -> None:
        with contextlib.suppress(AttachmentLost):
            await self._do(
                session_abandon, attachment_id=self.attachment_id, last_message_at=last_message_at
            )
        await self.refresh()

    async def fail(self) -> None:
        """The engine raised: nothing more can come of this session."""
        with contextlib.suppress(AttachmentLost):
            await self._do(
                session_fail,
                attachment_id=self.attachment_id,
                code=RUNTIME_ERROR,
                message=RUNTIME_ERROR_MESSAGE,
            )
        await self.refresh()

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
        """The events that these frames and this clock have caused, in their order."""
        if not frame_seqs and clock_ms is None:
            return []
        rows = await in_database(
            FOR_SESSIONS,
            lambda: events_caused(session_id=self.id, frame_seqs=frame_seqs, clock_ms=clock_ms),
        )
        return [present_event(self.id, row) for row in rows]

    async def events_after(self, sequence: int) -> list[EventRecord]:
        """The events behind the one of this sequence, up to those that the row counts."""
        more = self.row.events_total - sequence
        if more <= 0:
            return []
        rows = await in_database(
            FOR_SESSIONS, lambda: events_behind(session_id=self.id, sequence=sequence, limit=more)
        )
        return [present_event(self.id, row) for row in rows]

    async def _do(self, function: Callable[..., Answer], **arguments: Any) -> Answer:
        """`function` of this session, each try at its own moment."""
        return await in_database(
            FOR_SESSIONS, lambda: function(session_id=self.id, **arguments, now=clock.now())
        )


def _read(*, session_id: UUID, now: datetime) -> DetectionSession:
    session_settle(session_id=session_id, now=now)
    session = DetectionSession.objects.filter(id=session_id).first()
    if session is None:
        raise Restarting
    return session
