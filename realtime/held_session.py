"""The session that a socket holds, as its row says: what moves it on is asked for here.

Each function is the one that API, admin and worker call as well. All of them raise Restarting
when the database has been away for too long.
"""

import contextlib
import logging
from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from django.utils import timezone

from kynaplatform.api.errors import ApiError
from realtime.database import in_patient_database
from realtime.refusals import Restarting, SessionSuperseded
from sessions_app.deadlines import session_as_of
from sessions_app.events import EventRecord, present_event
from sessions_app.finishing import RUNTIME_ERROR, RUNTIME_ERROR_MESSAGE, session_finish
from sessions_app.holding import AttachmentLost
from sessions_app.lifecycle import (
    session_abandon,
    session_cancel,
    session_detach,
    session_fail,
    session_finalize,
    session_settle,
)
from sessions_app.models import LIVE_STATUSES, DetectionSession, Status

logger = logging.getLogger("kynaplatform.realtime")


class SessionEnded(Exception):
    """The session has come to its end: `session` is its last row."""

    def __init__(self, session: DetectionSession) -> None:
        super().__init__(session.status)
        self.session = session


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
        self.row = await in_patient_database(_read, session_id=self.id)
        if self.row.status not in LIVE_STATUSES:
            raise SessionEnded(self.row)
        if self.row.attachment_id != self.attachment_id:
            raise SessionSuperseded

    async def finalize(self) -> None:
        await self._request(session_finalize)

    async def cancel(self) -> None:
        await self._request(session_cancel)

    async def _request(self, end: Callable[..., None]) -> None:
        """Ask for an end as the API does. That it has ended otherwise, `refresh` finds."""
        try:
            await in_patient_database(
                end, session_id=self.id, project_id=self.row.project_id, now=timezone.now()
            )
        except ApiError as error:
            logger.info("session %s: %s", self.id, error)
        await self.refresh()

    async def finish(self) -> list[EventRecord]:
        """Finalizing → completed, by the engine's own finish; gives the events that it added."""
        try:
            finished = await in_patient_database(
                session_finish,
                session_id=self.id,
                attachment_id=self.attachment_id,
                now=timezone.now(),
            )
        except AttachmentLost:
            await self.refresh()
            raise Restarting from None
        self.row = finished.session
        return [present_event(row) for row in finished.events]

    async def settle(self) -> None:
        """Do what a deadline that has passed does."""
        await in_patient_database(session_settle, session_id=self.id, now=timezone.now())
        await self.refresh()

    async def abandon(self, last_message_at: datetime) -> None:
        with contextlib.suppress(AttachmentLost):
            await in_patient_database(
                session_abandon,
                session_id=self.id,
                attachment_id=self.attachment_id,
                last_message_at=last_message_at,
                now=timezone.now(),
            )
        await self.refresh()

    async def fail(self) -> None:
        """The engine raised: nothing more can come of this session."""
        with contextlib.suppress(AttachmentLost):
            await in_patient_database(
                session_fail,
                session_id=self.id,
                attachment_id=self.attachment_id,
                code=RUNTIME_ERROR,
                message=RUNTIME_ERROR_MESSAGE,
                now=timezone.now(),
            )
        await self.refresh()

    async def detach(self, close_code: int, last_message_at: datetime) -> None:
        try:
            await in_patient_database(
                session_detach,
                session_id=self.id,
                attachment_id=self.attachment_id,
                close_code=close_code,
                last_message_at=last_message_at,
                now=timezone.now(),
            )
        except Restarting:
            logger.warning("session %s stays attached until its lease runs out", self.id)


def _read(*, session_id: UUID) -> DetectionSession:
    session = session_as_of(DetectionSession.objects.filter(id=session_id), timezone.now())
    if session is None:
        raise Restarting
    return session
