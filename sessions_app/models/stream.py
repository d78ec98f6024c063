"""What a session's stream leaves: its attaches and its events."""

from django.db import models
from django.db.models import CheckConstraint, Index, Q
from django.db.models.functions import Mod
from django.db.models.lookups import Exact

from sessions_app.models.session import DetectionSession

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

    The table is partitioned by the session (event_partitions.py).
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
