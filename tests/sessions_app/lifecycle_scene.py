"""Sessions at moments that a test chooses."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from movespecs.models import MoveSpec
from sessions_app import attachments, checkpoints, lifecycle, session_sweep
from sessions_app.admission import session_admit
from sessions_app.checkpoints import Checkpoint, NewEvent
from sessions_app.finish import session_finish
from sessions_app.models import DetectionEvent, DetectionSession, Mode, SessionAttach
from sessions_app.schemas import SessionCreate
from sessions_app.stream_state import pack, unpack
from tests.conftest import Machine
from tests.sessions_app.engine_work import Work
from tests.sessions_app.storing import checkpoint_store

START = datetime(2031, 5, 1, 12, tzinfo=UTC)
TICK = timedelta(microseconds=1)
# The contract's defaults, and what a stored idle deadline is late by: at first, and at least.
WINDOW, IDLE, LONGEST = (timedelta(seconds=seconds) for seconds in (300, 120, 3600))
LEASE = GRACE = timedelta(seconds=30)
SLACK, MARGIN = timedelta(seconds=20), timedelta(seconds=10)
RUNTIME = "host-1:4711"


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


class Scene:
    """The sessions of one project; times are seconds after START."""

    def __init__(self, machine: Machine, movespec: MoveSpec) -> None:
        self.machine, self.movespec = machine, movespec

    def created(self, seconds: float = 0, key: str | None = None, **context: Any) -> UUID:
        create = SessionCreate(
            project_id=self.machine.project.id,
            mode=Mode.LIVE,
            movespec_id=self.movespec.id,
            **context,
        )
        admitted, _ = session_admit(
            create=create, now=at(seconds), principal=None, idempotency_key=key
        )
        return admitted.id

    def streaming(self, seconds: float = 0) -> tuple[UUID, UUID]:
        """A session created and attached at once, and its attachment."""
        session_id = self.created(seconds)
        return session_id, self.attach(session_id, seconds)

    def finalizing(self, seconds: float = 0) -> tuple[UUID, UUID]:
        session_id, attachment_id = self.streaming(seconds)
        self.finalize(session_id, seconds)
        return session_id, attachment_id

    def attach(
        self,
        session_id: UUID,
        seconds: float,
        arrived: float | None = None,
        attachment_id: UUID | None = None,
        runtime: str = RUNTIME,
    ) -> UUID:
        attachment_id = attachment_id or uuid.uuid4()
        attachments.session_attach(
            SessionAttach(
                session_id=session_id,
                id=attachment_id,
                runtime=runtime,
                attached_at=at(seconds if arrived is None else arrived),
            ),
            now=at(seconds),
        )
        return attachment_id

    def detach(
        self,
        session_id: UUID,
        attachment_id: UUID,
        seconds: float,
        close_code: int = 1000,
        heard: float | None = None,
    ) -> None:
        attachments.session_detach(
            session_id=session_id,
            attachment_id=attachment_id,
            close_code=close_code,
            last_message_at=at(seconds if heard is None else heard),
            now=at(seconds),
        )

    def checkpoint(
        self,
        session_id: UUID,
        attachment_id: UUID,
        number: int,
        seconds: float,
        frames: int = 10,
        heard: float | None = None,
        work: Work | None = None,
        **more: Any,
    ) -> None:
        """With `work`, its frames are the session's first ones."""
        if work is not None:
            more |= {
                "packed_state": work.packed_state,
                "accepted_frames": work.frames,
                "last_frame_seq": work.frames,
                "events": work.events,
            }
        packed_state = more.pop("packed_state", pack({}))
        engine = unpack(packed_state).get("engine") or {}
        if summary := more.pop("summary", None):
            packed_state = pack({**unpack(packed_state), "summary": summary})
        checkpoint = Checkpoint(
            **{
                "session_id": session_id,
                "attachment_id": attachment_id,
                "number": number,
                "packed_state": packed_state,
                "engine_version": engine.get("form"),
                "accepted_frames": frames,
                "rejected_frames": 0,
                "last_frame_seq": 10 * number,
                "last_batch_seq": number,
                "last_message_at": at(seconds if heard is None else heard),
                "events": [],
                **more,
            }
        )
        checkpoint_store(checkpoint, now=at(seconds))

    def keep_alive(self, session_id: UUID, attachment_id: UUID, until: int) -> None:
        """Renew now and then, as a runtime does whose client pings; the last time at `until`."""
        for seconds in [*range(100, until, 100), until]:
            assert self.renew(session_id, attachment_id, seconds)

    def renew(
        self, session_id: UUID, attachment_id: UUID, seconds: float, heard: float | None = None
    ) -> bool:
        """Whether the attachment still holds the session."""
        heard_at = at(seconds if heard is None else heard)
        held = checkpoints.leases_renew(
            attachments=[checkpoints.Attachment(session_id, attachment_id, heard_at)],
            now=at(seconds),
        )
        assert held <= {attachment_id}
        return bool(held)

    def finish(
        self, session_id: UUID, attachment_id: UUID | None, seconds: float
    ) -> DetectionSession:
        return session_finish(session_id=session_id, attachment_id=attachment_id, now=at(seconds))

    def abandon(self, session_id: UUID, attachment_id: UUID, heard: float, seconds: float) -> None:
        lifecycle.session_abandon(
            session_id=session_id,
            attachment_id=attachment_id,
            last_message_at=at(heard),
            now=at(seconds),
        )

    def fail(self, session_id: UUID, attachment_id: UUID, seconds: float) -> None:
        lifecycle.session_fail(
            session_id=session_id,
            attachment_id=attachment_id,
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

    def events(self, session_id: UUID) -> list[NewEvent]:
        stored = DetectionEvent.objects.filter(session_id=session_id).order_by("sequence")
        return [NewEvent(*row) for row in stored.values_list(*NewEvent._fields)]

    def attaches(
        self, session_id: UUID
    ) -> list[tuple[UUID, datetime, datetime | None, int | None]]:
        stored = SessionAttach.objects.filter(session_id=session_id).order_by("attached_at")
        return list(stored.values_list("id", "attached_at", "detached_at", "close_code"))

    def columns(self, session_id: UUID) -> dict[str, Any]:
        return DetectionSession.objects.filter(id=session_id).values().get()

    def state(self, session_id: UUID) -> tuple[str, str | None, str | None, datetime | None]:
        """Status, outcome, error code, and when it ended."""
        row = self.row(session_id)
        return row.status, row.terminal_outcome, row.error_code, row.ended_at


def sweep(seconds: float, slice_size: int = session_sweep.SWEEP_SLICE) -> int:
    return session_sweep.expire_sessions(now=at(seconds), slice_size=slice_size)
