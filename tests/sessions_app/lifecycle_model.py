"""A session as the lifecycle table has it: it lives by the clock and knows no sweep."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

START = datetime(2031, 5, 1, 12, tzinfo=UTC)
# Short and close together, so that deadlines of every kind meet.
WINDOW, IDLE, LONGEST = (timedelta(seconds=seconds) for seconds in (60, 50, 95))
# A stored idle deadline is late by this at first, and then by no less than the margin.
SLACK, MARGIN = timedelta(seconds=20), timedelta(seconds=10)
LEASE = GRACE = timedelta(seconds=30)


@dataclass(repr=False, eq=False)
class Model:
    """One session as the lifecycle table has it."""

    id: UUID
    project: int
    mode: str
    created_at: datetime
    status: str = "created"
    terminal_outcome: str | None = None
    error_code: str | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    accepted_frames_total: int = 0
    rejected_frames_total: int = 0
    last_frame_seq: int = 0
    events_total: int = 0
    repetitions: Counter[str] = field(default_factory=Counter)
    interrupted_total: int = 0
    is_midway: bool = False
    attachment: UUID | None = None
    lease_until: datetime | None = None
    # As stored: a while later than true.
    idle_at: datetime | None = None
    given_up_at: datetime | None = None
    checkpoints: int = 0
    finishing: str = "completed"
    attachments: list[UUID] = field(default_factory=list)
    # Attachment → what it was closed with; None while it is open.
    closed: dict[UUID, int | None] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"<{self.status} {self.id}>"

    @property
    def longest_at(self) -> datetime:
        assert self.started_at
        return self.started_at + LONGEST

    @property
    def deadline_at(self) -> datetime | None:
        match self.status:
            case "created":
                return self.created_at + WINDOW
            case "streaming":
                return min(self.longest_at, self.idle_at)
            case "finalizing":
                return self.given_up_at
        return None

    def is_attached(self, now: datetime) -> bool:
        return self.lease_until is not None and self.lease_until > now

    def advance(self, now: datetime) -> None:
        """Let every deadline up to `now` happen, one after the other, at its own moment."""
        while (deadline := self.deadline_at) is not None and deadline <= now:
            if self.status == "created":
                self.end("cancelled", "expired", deadline, "session_expired")
            elif self.status == "finalizing":
                self.finish(deadline)
            elif self.longest_at <= self.idle_at:
                self.status, self.finishing = "finalizing", "max_duration"
                if self.attachment is None:
                    self.finish(deadline)
            else:
                self.end("failed", "abandoned", deadline, "session_abandoned")

    def finish(self, now: datetime) -> None:
        self.end("completed", self.finishing, now)
        if self.finishing == "max_duration":
            self.ended_at = self.longest_at
        self.events_total += self.is_midway
        self.interrupted_total += self.is_midway

    def end(self, status: str, outcome: str, now: datetime, error_code: str | None = None) -> None:
        self.status, self.terminal_outcome, self.ended_at = status, outcome, now
        self.error_code = error_code
        self.attachment = self.lease_until = None

    def holds(self, attachment: UUID) -> bool:
        return self.attachment == attachment and self.status in ("streaming", "finalizing")

    def hear(self, at: datetime, now: datetime) -> None:
        assert self.idle_at
        if self.idle_at < at + IDLE + MARGIN:
            self.idle_at = at + IDLE + SLACK
        self.lease_until = now + LEASE
        self.given_up_at = now + LEASE + GRACE
