"""Webhook endpoints, and the deliveries to them: the outbox that webhooks/triggers.py fills."""

from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import connection, models
from django.db.models import CheckConstraint, F, Func, Index, Q, Value
from django.db.models.expressions import RawSQL
from django.db.models.functions import Length, Now, NullIf
from django.db.models.lookups import LessThanOrEqual
from uuid_utils.compat import uuid7

from projects.models import Project

MAX_URL_CHARACTERS = 2048
MAX_DESCRIPTION_CHARACTERS = 2000
# Stored of a delivery's failure, and of a response's body.
MAX_FAILURE_CHARACTERS = 500
MAX_RESPONSE_BYTES = 1024
DELIVERIES_KEPT: Final = timedelta(days=30)

# For one try, from resolving the name to the headers of the response.
TIMEOUT: Final = timedelta(seconds=10)
# Waits before the second try, the third, and so on: 28 hours in all.
WAITS: Final = tuple(
    timedelta(seconds=seconds)
    for seconds in (5, 60, 300, 1_200, 3_600, 9_000, 18_000, 28_800, 39_600)
)
MAX_TRIES: Final = len(WAITS) + 1


class MessageType(models.TextChoices):
    SESSION_STARTED = "session.started"
    SESSION_COMPLETED = "session.completed"
    SESSION_FAILED = "session.failed"
    SESSION_CANCELLED = "session.cancelled"
    SESSION_DELETED = "session.deleted"
    SESSIONS_DELETED = "sessions.deleted"
    MOVESPEC_RELEASED = "movespec.released"
    VERSION_WITHDRAWN = "movespec.version_withdrawn"
    TEST = "webhook.test"


class DeliveryStatus(models.TextChoices):
    WAITING = "waiting"
    DELIVERED = "delivered"
    FAILED = "failed"
    HELD = "held"


class DisabledReason(models.TextChoices):
    CLIENT = "client", "by a client of the API"
    STAFF = "staff", "by staff"
    GONE = "gone", "the receiver answered 410"
    FAILING = "failing", "every try of five days failed"


class WebhookEndpoint(models.Model):
    """A URL that a project's messages are sent to.

    A deleted endpoint stays, without its secrets, until the worker has deleted its deliveries.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    project = models.ForeignKey(
        Project, on_delete=models.PROTECT, related_name="webhook_endpoints", db_index=False
    )
    url = models.CharField(max_length=MAX_URL_CHARACTERS)
    event_types = ArrayField(
        models.CharField(max_length=40),
        null=True,
        help_text="The types that it gets; empty: every type, those to come included.",
    )
    description = models.CharField(max_length=MAX_DESCRIPTION_CHARACTERS, null=True)  # noqa: DJ001
    encrypted_secret = models.BinaryField()
    encrypted_previous_secret = models.BinaryField(null=True)
    previous_secret_until = models.DateTimeField(
        null=True, help_text="Until when the secret before the last rotation signs as well."
    )
    created_at = models.DateTimeField()
    disabled_at = models.DateTimeField(null=True)
    disabled_reason = models.CharField(  # noqa: DJ001
        max_length=10, choices=DisabledReason.choices, null=True
    )
    failing_since = models.DateTimeField(
        null=True, help_text="The first of the tries that have all failed since the last success."
    )
    failed_at = models.DateTimeField(null=True, help_text="The last of those tries.")
    failed_tries = models.IntegerField(default=0, db_default=0, help_text="How many those are.")
    failed_messages = ArrayField(
        models.UUIDField(), null=True, help_text="The first three messages of theirs."
    )
    replay_since = models.DateTimeField(
        null=True, help_text="The sender queues again what was not delivered since then."
    )
    replay_until = models.DateTimeField(null=True)
    deleted_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "webhook_endpoint"
        default_permissions = ("view", "change")
        ordering = ["-created_at"]
        indexes = [
            # Read by the triggers, by GET /api/webhooks, and to count what a project has.
            Index(
                F("project"),
                F("created_at").desc(),
                condition=Q(deleted_at__isnull=True),
                name="webhook_of_project",
            ),
            # Read by the sender each second, and by the pruning. Both are nearly always empty.
            Index(
                fields=["replay_since"],
                condition=Q(replay_since__isnull=False),
                name="webhook_replay",
            ),
            Index(
                fields=["deleted_at"], condition=Q(deleted_at__isnull=False), name="webhook_deleted"
            ),
        ]
        constraints = [
            CheckConstraint(
                name="webhook_types_known",
                condition=Q(event_types__isnull=True)
                | Q(event_types__contained_by=MessageType.values, event_types__len__gt=0),
            ),
            CheckConstraint(
                name="webhook_disabled_for_a_reason",
                condition=Q(disabled_at__isnull=True, disabled_reason__isnull=True)
                | Q(disabled_at__isnull=False, disabled_reason__in=DisabledReason.values),
            ),
            CheckConstraint(
                name="webhook_previous_secret_ends",
                condition=Q(
                    encrypted_previous_secret__isnull=True, previous_secret_until__isnull=True
                )
                | Q(encrypted_previous_secret__isnull=False, previous_secret_until__isnull=False),
            ),
            CheckConstraint(
                name="webhook_replay_has_both_ends",
                condition=Q(replay_since__isnull=True, replay_until__isnull=True)
                | Q(replay_since__isnull=False, replay_until__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return str(self.id)


class WebhookDelivery(models.Model):
    """A message to an endpoint. Its id is the `webhook-id`, and begins with its time."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    endpoint = models.ForeignKey(
        WebhookEndpoint, on_delete=models.PROTECT, related_name="deliveries", db_index=False
    )
    type = models.CharField(max_length=40, choices=MessageType.choices)
    session_id = models.UUIDField(null=True, help_text="Of a message about a session.")
    sequence = models.SmallIntegerField(
        null=True, help_text="Its place among the messages of its session."
    )
    data = models.JSONField(
        null=True, help_text="What only that moment knew; the rest is read when it is sent."
    )
    occurred_at = models.DateTimeField()
    created_at = models.DateTimeField()
    # The triggers leave it to the default.
    request_id = models.CharField(  # noqa: DJ001
        max_length=128,
        null=True,
        db_default=NullIf(
            Func(Value("kyna.request_id"), Value(True), function="current_setting"), Value("")
        ),
        help_text="Of the request that caused it.",
    )

    status = models.CharField(
        max_length=10,
        choices=DeliveryStatus.choices,
        default=DeliveryStatus.WAITING,
        db_default=DeliveryStatus.WAITING,
    )
    tries = models.SmallIntegerField(default=0, db_default=0)
    due_at = models.DateTimeField(
        db_default=Now(),
        help_text="When it is tried next; of one that is being sent: when its claim ends.",
    )
    claim_id = models.UUIDField(null=True, help_text="Of the try that is under way.")

    body = models.TextField(null=True, help_text="The body that was sent.")  # noqa: DJ001
    tried_at = models.DateTimeField(null=True, help_text="When it was last tried.")
    duration_ms = models.IntegerField(null=True, help_text="How long that took.")
    response_status = models.SmallIntegerField(null=True)
    response_body = models.TextField(null=True, help_text="The first KiB of the answer.")  # noqa: DJ001
    failure = models.TextField(null=True, help_text="Why that try failed.")  # noqa: DJ001
    failure_detail = models.CharField(  # noqa: DJ001
        max_length=MAX_FAILURE_CHARACTERS,
        null=True,
        help_text="The same with what staff alone see.",
    )

    class Meta:
        db_table = "webhook_delivery"
        default_permissions = ("view",)
        verbose_name_plural = "webhook deliveries"
        ordering = ["-created_at"]
        indexes = [
            # Read by the sender, endpoint by endpoint, however many wait for another.
            Index(
                fields=["endpoint", "due_at"],
                condition=Q(status=DeliveryStatus.WAITING),
                name="delivery_waiting",
            ),
            # Read by lists of deliveries, a status at a time, and by replays.
            Index(F("endpoint"), F("status"), F("created_at").desc(), name="delivery_of_endpoint"),
            # Read when a session is deleted.
            Index(
                fields=["session_id"],
                condition=Q(session_id__isnull=False),
                name="delivery_of_session",
            ),
        ]
        constraints = [
            CheckConstraint(name="delivery_type_known", condition=Q(type__in=MessageType.values)),
            CheckConstraint(
                name="delivery_status_known", condition=Q(status__in=DeliveryStatus.values)
            ),
            CheckConstraint(
                name="delivery_claimed_only_while_waiting",
                condition=Q(claim_id__isnull=True) | Q(status=DeliveryStatus.WAITING),
            ),
            CheckConstraint(
                name="delivery_of_session_has_a_sequence",
                condition=Q(session_id__isnull=True, sequence__isnull=True)
                | Q(session_id__isnull=False, sequence__isnull=False),
            ),
            # Both come from the receiver.
            CheckConstraint(
                name="delivery_answer_bounded",
                condition=Q(LessThanOrEqual(Length("failure"), MAX_FAILURE_CHARACTERS))
                & Q(LessThanOrEqual(Length("response_body"), MAX_RESPONSE_BYTES)),
            ),
        ]

    def __str__(self) -> str:
        return str(self.id)


PAUSED: Final = "paused"
_HERE: Final = """
SELECT system_identifier, oid::bigint
FROM pg_control_system(), pg_database WHERE datname = current_database()
"""
_WRITE: Final = f"""
INSERT INTO webhook_sender (id, paused_at, system_identifier, database_oid)
SELECT 1, %s, here.* FROM ({_HERE}) AS here
ON CONFLICT (id) DO
"""  # noqa: S608


class SenderState(models.Model):
    """The one row that says which database messages are sent from, and whether they are paused.

    The first sender stores the identity of its cluster and of its database. A restored dump has
    another, and sends nothing: the original has delivered its messages. A replica keeps both, and
    so does a base backup, so the commands of docs/backup.md pause what they restore.
    """

    id = models.SmallIntegerField(primary_key=True)
    system_identifier = models.BigIntegerField()
    database_oid = models.BigIntegerField()
    paused_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "webhook_sender"
        default_permissions = ()
        constraints = [CheckConstraint(name="webhook_sender_is_one", condition=Q(id=1))]

    def __str__(self) -> str:
        return str(self.system_identifier)

    @staticmethod
    def pause_reason() -> str | None:
        """Why nothing is sent; None while messages are sent."""
        if not settings.WEBHOOKS_SEND:
            return "WEBHOOKS_SEND is false"
        is_here = RawSQL(f"(system_identifier, database_oid) = ({_HERE})", ())  # noqa: S611
        row = SenderState.objects.values_list("paused_at", is_here).first()
        if row is None:
            return None
        paused_at, is_here = row
        if paused_at is not None:
            return f"they have been paused since {paused_at:%Y-%m-%d %H:%M} UTC"
        return None if is_here else "the database is a copy of the one that sent them"

    @staticmethod
    def introduce() -> None:
        """Store this database's identity unless another is stored."""
        _write(None, "NOTHING")

    @staticmethod
    def pause(now: datetime) -> None:
        _write(now, "UPDATE SET paused_at = COALESCE(webhook_sender.paused_at, EXCLUDED.paused_at)")

    @staticmethod
    def resume() -> None:
        """Send again, from this database."""
        _write(
            None,
            "UPDATE SET system_identifier = EXCLUDED.system_identifier, "
            "database_oid = EXCLUDED.database_oid, paused_at = NULL",
        )


def _write(paused_at: datetime | None, action: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_WRITE + action, [paused_at])
