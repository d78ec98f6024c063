"""The tables of sessions; only the heartbeat and the last runs are not of one session."""

from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import CheckConstraint, F, Index, Q, UniqueConstraint, Value
from django.db.models.functions import Mod
from django.db.models.lookups import Exact
from uuid_utils.compat import uuid7

from detection import READABLE_FORMS
from kynaplatform.timing import FINALIZING_GRACE
from movespecs.models import MoveSpecVersion
from projects.models import Project
from sessions_app.indexes import INDEXES_OF_SESSIONS
from sessions_app.indexes import Notes as Notes  # migration 0011 has it from here


class Mode(models.TextChoices):
    LIVE = "live"
    REPLAY = "replay"


class Status(models.TextChoices):
    CREATED = "created"
    STREAMING = "streaming"
    FINALIZING = "finalizing"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    FAILED = "failed"


class Outcome(models.TextChoices):
    COMPLETED = "completed"
    MAX_DURATION = "max_duration"
    EXPIRED = "expired"
    ABANDONED = "abandoned"
    CANCELLED = "cancelled"
    SUSPENDED = "suspended"
    FAILED = "failed"


LIVE_STATUSES = (Status.CREATED, Status.STREAMING, Status.FINALIZING)


class SessionQuerySet(models.QuerySet["DetectionSession"]):
    def live(self) -> Self:
        """The sessions that have not ended: only they have a deadline, as partial indexes ask."""
        return self.filter(deadline_at__isnull=False)

    def ended(self) -> Self:
        return self.filter(deadline_at__isnull=True)

    def due(self, now: datetime) -> Self:
        """The live sessions whose deadline has passed."""
        return self.filter(deadline_at__lte=now)

    def attached(self, now: datetime) -> Self:
        """The sessions that a runtime has leased."""
        return self.filter(_attached(now))

    def unreadable(self, now: datetime) -> Self:
        """The sessions whose state this process can't read, and that no runtime has leased."""
        return self.filter(~_readable(), ~_attached(now))

    def awaiting_reader(self, now: datetime) -> Self:
        """The sessions in their reader grace period whose version this process knows."""
        waiting = self.filter(unreadable_since__isnull=False, deadline_at__gt=now)
        return waiting.filter(_of_known_version(), ~_attached(now))

    def unread(self, now: datetime) -> Self:
        """The sessions that their deadline completes, and that start to wait for a reader now."""
        return self.due(now).unreadable(now).filter(_completes(now), unreadable_since__isnull=True)

    def to_finish(self, now: datetime) -> Self:
        """The sessions that their deadline completes, by the engine of this process."""
        return self.due(now).filter(_readable(), _completes(now), unreadable_since__isnull=True)

    def to_settle(self, now: datetime) -> Self:
        """The union of `to_end` and `unread`."""
        unread = ~_readable() & ~_attached(now)
        return self.due(now).filter(~_completes(now) | Q(unreadable_since__isnull=False) | unread)

    def to_end(self, now: datetime) -> Self:
        """The sessions that their deadline ends without an engine."""
        return self.due(now).filter(~_completes(now) | Q(unreadable_since__isnull=False))


def _attached(now: datetime) -> Q:
    return Q(attachment_id__isnull=False, lease_until__gt=now)


def _of_known_version() -> Q:
    return Q(engine_version__isnull=True) | Q(engine_version__in=READABLE_FORMS)


def _readable() -> Q:
    """An engine of this process can read the state, as far as is known."""
    return _of_known_version() & Q(is_state_unreadable=False)


def _completes(now: datetime) -> Q:
    """The session is finalizing, or has reached its maximum length without a runtime to finish it.

    Only the deadline has an index.
    """
    is_too_long = Q(deadline_at__gte=F("longest_until"))
    return Q(finishing_outcome__isnull=False) | is_too_long & ~_attached(now - FINALIZING_GRACE)


class DetectionSession(models.Model):
    """A session. Only guarded updates move its state (docs/decisions/session-life.md).

    Its id begins with its time, so rows that are stored by session ids lie in order of time.
    Triggers write its usage (usage/metering.py) and the messages of webhooks
    (webhooks/triggers.py).
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    project = models.ForeignKey(
        Project, on_delete=models.PROTECT, related_name="sessions", db_index=False
    )
    resolved_version = models.ForeignKey(
        MoveSpecVersion, on_delete=models.PROTECT, related_name="sessions", db_index=False
    )
    mode = models.CharField(max_length=10, choices=Mode.choices)
    contract_major = models.PositiveSmallIntegerField()

    status = models.CharField(max_length=10, choices=Status.choices)
    terminal_outcome = models.CharField(max_length=12, choices=Outcome.choices, null=True)  # noqa: DJ001
    finishing_outcome = models.CharField(  # noqa: DJ001
        max_length=12,
        choices=Outcome.choices,
        null=True,
        help_text="While finalizing: the outcome that the session will complete with.",
    )
    error_code = models.CharField(max_length=64, null=True)  # noqa: DJ001
    error_message = models.TextField(null=True)  # noqa: DJ001
    accepted_frames_total = models.BigIntegerField(default=0)
    # With defaults of the database: the admission, old and new, does not name them.
    rejected_frames_total = models.BigIntegerField(default=0, db_default=0)
    events_total = models.BigIntegerField(default=0, db_default=0)
    repetitions = models.JSONField(
        default=dict,
        db_default=Value({}, models.JSONField()),
        help_text="How many repetitions were completed, by event_key.",
    )
    interrupted_total = models.BigIntegerField(default=0, db_default=0)
    # Only the release of 2026-11-28 reads it, and recounts if it differs from events_total.
    counted_events_total = models.BigIntegerField(
        default=0,
        db_default=0,
        help_text="The events that these two count: all.",
    )
    last_frame_seq = models.BigIntegerField(
        default=0, db_default=0, help_text="Of the last accepted frame; 0: none yet."
    )
    last_batch_seq = models.BigIntegerField(
        default=0, db_default=0, help_text="The highest that was received; 0: none yet."
    )

    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    events_left_at = models.DateTimeField(
        null=True, help_text="When retention deleted its events; empty: not yet."
    )
    deadline_at = models.DateTimeField(
        null=True, help_text="When the current status ends by itself; empty once terminal."
    )
    longest_until = models.DateTimeField(
        null=True, help_text="When a session that streams has lasted the longest allowed."
    )

    attachment_id = models.UUIDField(
        null=True, help_text="The fence: the runtime connection that holds the session."
    )
    lease_until = models.DateTimeField(null=True)
    checkpoint_number = models.BigIntegerField(default=0)
    packed_state = models.BinaryField(
        null=True, help_text="The stream's state until the end (stream_state.py)."
    )
    engine_state = models.JSONField(
        null=True, help_text="The same, as the release before stores it."
    )
    engine_version = models.SmallIntegerField(
        null=True,
        help_text="Of the engine that last stored its state, which only its like can read.",
    )
    summary = models.JSONField(null=True, help_text="What its frames showed.")
    is_state_unreadable = models.BooleanField(
        default=False, db_default=False, help_text="An engine of this version could not read it."
    )
    unreadable_since = models.DateTimeField(
        null=True,
        help_text="Since when it waits for a process that can read its state.",
    )

    # The context that its create gave, if any (context.py).
    parameters = models.JSONField(null=True, help_text="Values of the MoveSpec's parameters.")
    subject = models.CharField(  # noqa: DJ001
        max_length=128, null=True, help_text="The customer's id of the person."
    )
    metadata = models.JSONField(null=True, help_text="The customer's own notes.")
    locale = models.CharField(  # noqa: DJ001
        max_length=100, null=True, help_text="Of its messages: a BCP 47 tag."
    )
    target = models.JSONField(
        null=True, help_text="What ends it: {repetitions: n} or {hold_ms: n}."
    )
    landmarker = models.JSONField(null=True, help_text="What finds the person: {name, visibility}.")
    ended_by = models.CharField(  # noqa: DJ001
        max_length=10, null=True, help_text="`target` once it has reached its target."
    )

    created_by = models.UUIDField(
        null=True, help_text="The credential that created it; empty: not known."
    )
    idempotency_key = models.CharField(max_length=255, null=True)  # noqa: DJ001
    request_fingerprint = models.BinaryField(max_length=33, null=True)
    signing_key_id = models.UUIDField()
    runtime_token_expires_at = models.DateTimeField()
    stream_url = models.TextField()

    objects = SessionQuerySet.as_manager()

    class Meta:
        db_table = "detection_session"
        ordering = ["-created_at"]
        permissions = [("cancel_detectionsession", "Can cancel detection session")]
        indexes = INDEXES_OF_SESSIONS
        constraints = [
            UniqueConstraint(
                fields=["project", "idempotency_key"],
                condition=Q(idempotency_key__isnull=False),
                name="session_idempotency_key_unique",
            ),
            CheckConstraint(name="session_mode_known", condition=Q(mode__in=Mode.values)),
            CheckConstraint(name="session_status_known", condition=Q(status__in=Status.values)),
            CheckConstraint(
                name="session_outcomes_known",
                condition=(
                    Q(terminal_outcome__isnull=True) | Q(terminal_outcome__in=Outcome.values)
                )
                & (
                    Q(finishing_outcome__isnull=True)
                    | Q(finishing_outcome__in=[Outcome.COMPLETED, Outcome.MAX_DURATION])
                ),
            ),
            CheckConstraint(
                name="session_terminal_has_an_end",
                condition=Q(
                    status__in=LIVE_STATUSES,
                    terminal_outcome__isnull=True,
                    ended_at__isnull=True,
                    deadline_at__isnull=False,
                )
                | ~Q(status__in=LIVE_STATUSES)
                & Q(
                    terminal_outcome__isnull=False,
                    ended_at__isnull=False,
                    deadline_at__isnull=True,
                    attachment_id__isnull=True,
                ),
            ),
            CheckConstraint(
                name="session_idempotency_key_has_a_fingerprint",
                condition=Q(idempotency_key__isnull=True, request_fingerprint__isnull=True)
                | Q(idempotency_key__isnull=False, request_fingerprint__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return str(self.id)

    def is_due(self, now: datetime) -> bool:
        return self.deadline_at is not None and self.deadline_at <= now

    @property
    def has_known_version(self) -> bool:
        return self.engine_version is None or self.engine_version in READABLE_FORMS


MAX_CLIENT_CHARACTERS = 160


class EventType(models.TextChoices):
    SHAPE_ENTER = "shape_enter"
    SHAPE_EXIT = "shape_exit"
    EVENT_COMPLETED = "event_completed"
    EVENT_INTERRUPTED = "event_interrupted"
    FEEDBACK = "feedback"


class SessionAttach(models.Model):
    """One connection of a client through a runtime. Its id is the fence that it took."""

    id = models.UUIDField(primary_key=True, editable=False)
    session = models.ForeignKey(
        DetectionSession, on_delete=models.CASCADE, related_name="attaches", db_index=False
    )
    runtime = models.CharField(max_length=128, help_text="The process, as host:pid.")
    client = models.CharField(
        max_length=MAX_CLIENT_CHARACTERS,
        default="",
        db_default="",
        help_text="What the client calls itself: its User-Agent.",
    )
    attached_at = models.DateTimeField()
    detached_at = models.DateTimeField(
        null=True, help_text="Empty: attached, or its runtime died without a word."
    )
    close_code = models.SmallIntegerField(null=True, help_text="What the socket was closed with.")

    class Meta:
        db_table = "session_attach"
        default_permissions = ()  # shown on the session's page, with it
        ordering = ["attached_at"]
        indexes = [
            # Read by the admin's page of a session, and by an attach that closes the one before.
            Index(fields=["session", "attached_at"], name="attach_of_session"),
        ]

    def __str__(self) -> str:
        return str(self.id)


class DetectionEvent(models.Model):
    """An event of the engine. The sequences of a session count from 1 without a gap.

    The table is partitioned by the session (retention.py).
    """

    pk = models.CompositePrimaryKey("session_id", "sequence")
    session = models.ForeignKey(
        DetectionSession, on_delete=models.CASCADE, related_name="events", db_index=False
    )
    sequence = models.IntegerField()
    frame_seq = models.BigIntegerField(help_text="Of the frame that decided it; 0: a clock did.")
    ts_ms = models.FloatField(help_text="When it was, in milliseconds of the frames' time.")
    type = models.CharField(max_length=17, choices=EventType.choices)
    payload = models.JSONField()

    class Meta:
        db_table = "detection_event"
        default_permissions = ()
        ordering = ["sequence"]
        indexes = [
            # Read when frames and clocks are sent again: their events are. The others lie between
            # those of every sixteenth, in their frames' order (events.py).
            Index(
                fields=["session", "frame_seq"],
                condition=Q(Exact(Mod("sequence", 16), 0)) | Q(frame_seq=0),
                name="event_each_16th",
            ),
        ]
        constraints = [
            CheckConstraint(name="event_type_known", condition=Q(type__in=EventType.values)),
            CheckConstraint(name="event_sequence_positive", condition=Q(sequence__gte=1)),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.sequence} of {self.session_id}"


class PlatformHeartbeat(models.Model):
    """One row: when a runtime or a worker was last alive, with the database (downtime.py)."""

    id = models.SmallIntegerField(primary_key=True, default=1, editable=False)
    alive_at = models.DateTimeField()

    class Meta:
        db_table = "platform_heartbeat"
        default_permissions = ()
        constraints = [CheckConstraint(name="heartbeat_is_one", condition=Q(id=1))]

    def __str__(self) -> str:
        return str(self.alive_at)


class LastRun(models.Model):
    """When the sweep, a task, the backup or the export of erasures last ended (metrics.py)."""

    name = models.CharField(max_length=100, primary_key=True, editable=False)
    ended_at = models.DateTimeField()

    class Meta:
        db_table = "last_run"
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.name} {self.ended_at}"
