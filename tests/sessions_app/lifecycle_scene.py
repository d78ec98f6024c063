"""Sessions at moments that a test chooses."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from movespecs.models import MoveSpec
from sessions_app import expiry, lifecycle
from sessions_app.admission import AdmissionRequest, session_admit
from sessions_app.models import DetectionSession
from tests.conftest import Machine

START = datetime(2031, 5, 1, 12, tzinfo=UTC)
TICK = timedelta(microseconds=1)
# The contract's defaults, and what a stored idle deadline may be late by.
WINDOW, IDLE, LONGEST = (timedelta(seconds=seconds) for seconds in (300, 120, 3600))
LEASE = GRACE = timedelta(seconds=30)
SLACK = timedelta(seconds=10)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


class Scene:
    """The sessions of one project; times are seconds after START."""

    def __init__(self, machine: Machine, movespec: MoveSpec) -> None:
        self.machine, self.movespec = machine, movespec

    def created(self, seconds: float = 0, key: str | None = None) -> UUID:
        session, _ = session_admit(
            request=AdmissionRequest(
                project_id=self.machine.project.id,
                mode="live",
                contract_major=1,
                movespec_id=self.movespec.id,
                movespec_version_id=None,
                idempotency_key=key,
            ),
            now=at(seconds),
        )
        return session.id

    def streaming(self, seconds: float = 0) -> tuple[UUID, UUID]:
        """A session created and attached at once, and its attachment."""
        session_id = self.created(seconds)
        return session_id, self.attach(session_id, seconds)

    def finalizing(self, seconds: float = 0) -> tuple[UUID, UUID]:
        session_id, attachment_id = self.streaming(seconds)
        self.finalize(session_id, seconds)
        return session_id, attachment_id

    def attach(self, session_id: UUID, seconds: float) -> UUID:
        attachment_id = uuid.uuid4()
        lifecycle.session_attach(
            session_id=session_id, attachment_id=attachment_id, now=at(seconds)
        )
        return attachment_id

    def checkpoint(
        self,
        session_id: UUID,
        attachment_id: UUID,
        number: int,
        seconds: float,
        frames: int = 10,
        heard: float | None = None,
    ) -> None:
        lifecycle.session_checkpoint(
            session_id=session_id,
            attachment_id=attachment_id,
            checkpoint_number=number,
            engine_state={"number": number},
            accepted_frames=frames,
            last_message_at=at(seconds if heard is None else heard),
            now=at(seconds),
        )

    def keep_alive(self, session_id: UUID, attachment_id: UUID, until: int) -> None:
        """Renew now and then, as a runtime does whose client pings; the last time at `until`."""
        for seconds in [*range(100, until, 100), until]:
            assert self.renew(session_id, attachment_id, seconds) == 1

    def renew(
        self, session_id: UUID, attachment_id: UUID, seconds: float, heard: float | None = None
    ) -> int:
        heard_at = at(seconds if heard is None else heard)
        return lifecycle.leases_renew(
            attachments=[lifecycle.Attachment(session_id, attachment_id, heard_at)],
            now=at(seconds),
        )

    def complete(self, session_id: UUID, attachment_id: UUID, number: int, seconds: float) -> None:
        lifecycle.session_complete(
            session_id=session_id,
            attachment_id=attachment_id,
            checkpoint_number=number,
            now=at(seconds),
        )

    def fail(self, session_id: UUID, attachment_id: UUID, seconds: float) -> None:
        lifecycle.session_fail(
            session_id=session_id,
            attachment_id=attachment_id,
            code="engine_broke",
            message="It broke.",
            now=at(seconds),
        )

    def finalize(self, session_id: UUID, seconds: float) -> None:
        lifecycle.session_finalize(
            session_id=session_id, project_id=self.machine.project.id, now=at(seconds)
        )

    def cancel(self, session_id: UUID, seconds: float) -> None:
        lifecycle.session_cancel(
            session_id=session_id, project_id=self.machine.project.id, now=at(seconds)
        )

    def suspend(self, what: str, seconds: float | None) -> None:
        """`what` is `project` or `organization`; None lifts the suspension."""
        row = getattr(self.machine, what)
        row.suspended_at = None if seconds is None else at(seconds)
        row.save(update_fields=["suspended_at"])

    def row(self, session_id: UUID) -> DetectionSession:
        return DetectionSession.objects.get(id=session_id)

    def columns(self, session_id: UUID) -> dict[str, Any]:
        return DetectionSession.objects.filter(id=session_id).values().get()

    def state(self, session_id: UUID) -> tuple[str, str | None, str | None, datetime | None]:
        """Status, outcome, error code, and when it ended."""
        row = self.row(session_id)
        return row.status, row.terminal_outcome, row.error_code, row.ended_at


def sweep(seconds: float, batch: int = expiry.SWEEP_BATCH) -> int:
    return expiry.expire_sessions(now=at(seconds), batch=batch)
