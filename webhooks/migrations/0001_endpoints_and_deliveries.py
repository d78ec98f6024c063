"""Endpoints, the deliveries to them, and the state of the sender."""

from django.contrib.postgres.fields import ArrayField
from django.db import migrations
from django.db.models import (
    PROTECT,
    BigIntegerField,
    BinaryField,
    CharField,
    CheckConstraint,
    DateTimeField,
    F,
    ForeignKey,
    Func,
    Index,
    IntegerField,
    JSONField,
    Q,
    SmallIntegerField,
    TextField,
    UUIDField,
    Value,
)
from django.db.models.functions import Length, Now, NullIf
from django.db.models.lookups import LessThanOrEqual
from uuid_utils.compat import uuid7

TYPES = [
    ("session.started", "Session Started"),
    ("session.completed", "Session Completed"),
    ("session.failed", "Session Failed"),
    ("session.cancelled", "Session Cancelled"),
    ("session.deleted", "Session Deleted"),
    ("sessions.deleted", "Sessions Deleted"),
    ("movespec.released", "Movespec Released"),
    ("movespec.version_withdrawn", "Version Withdrawn"),
    ("webhook.test", "Test"),
]
STATUSES = [
    ("waiting", "Waiting"),
    ("delivered", "Delivered"),
    ("failed", "Failed"),
    ("held", "Held"),
]
DISABLED_REASONS = [
    ("client", "by a client of the API"),
    ("staff", "by staff"),
    ("gone", "the receiver answered 410"),
    ("failing", "every try of five days failed"),
]


def values(choices: list[tuple[str, str]]) -> list[str]:
    return [value for value, _ in choices]


class Migration(migrations.Migration):
    initial = True
    dependencies = [("projects", "0007_release_0_3_0")]

    operations = [
        migrations.CreateModel(
            name="SenderState",
            fields=[
                ("id", SmallIntegerField(primary_key=True, serialize=False)),
                ("system_identifier", BigIntegerField()),
                ("database_oid", BigIntegerField()),
                ("paused_at", DateTimeField(null=True)),
            ],
            options={
                "db_table": "webhook_sender",
                "default_permissions": (),
                "constraints": [CheckConstraint(condition=Q(id=1), name="webhook_sender_is_one")],
            },
        ),
        migrations.CreateModel(
            name="WebhookEndpoint",
            fields=[
                ("id", UUIDField(default=uuid7, editable=False, primary_key=True, serialize=False)),
                ("url", CharField(max_length=2048)),
                (
                    "event_types",
                    ArrayField(
                        CharField(max_length=40),
                        help_text="The types that it gets; empty: every type, those to come included.",
                        null=True,
                        size=None,
                    ),
                ),
                ("description", CharField(max_length=2000, null=True)),
                ("encrypted_secret", BinaryField()),
                ("encrypted_previous_secret", BinaryField(null=True)),
                (
                    "previous_secret_until",
                    DateTimeField(
                        help_text="Until when the secret before the last rotation signs as well.",
                        null=True,
                    ),
                ),
                ("created_at", DateTimeField()),
                ("disabled_at", DateTimeField(null=True)),
                ("disabled_reason", CharField(choices=DISABLED_REASONS, max_length=10, null=True)),
                (
                    "failing_since",
                    DateTimeField(
                        help_text="The first of the tries that have all failed since the last success.",
                        null=True,
                    ),
                ),
                ("failed_at", DateTimeField(help_text="The last of those tries.", null=True)),
                (
                    "failed_tries",
                    IntegerField(db_default=0, default=0, help_text="How many those are."),
                ),
                (
                    "failed_messages",
                    ArrayField(
                        UUIDField(),
                        help_text="The first three messages of theirs.",
                        null=True,
                        size=None,
                    ),
                ),
                (
                    "replay_since",
                    DateTimeField(
                        help_text="The sender queues again what was not delivered since then.",
                        null=True,
                    ),
                ),
                ("replay_until", DateTimeField(null=True)),
                ("deleted_at", DateTimeField(null=True)),
                (
                    "project",
                    ForeignKey(
                        "projects.project",
                        PROTECT,
                        db_index=False,
                        related_name="webhook_endpoints",
                    ),
                ),
            ],
            options={
                "db_table": "webhook_endpoint",
                "ordering": ["-created_at"],
                "default_permissions": ("view", "change"),
                "indexes": [
                    Index(
                        F("project"),
                        F("created_at").desc(),
                        condition=Q(deleted_at__isnull=True),
                        name="webhook_of_project",
                    ),
                    Index(
                        condition=Q(replay_since__isnull=False),
                        fields=["replay_since"],
                        name="webhook_replay",
                    ),
                    Index(
                        condition=Q(deleted_at__isnull=False),
                        fields=["deleted_at"],
                        name="webhook_deleted",
                    ),
                ],
                "constraints": [
                    CheckConstraint(
                        condition=Q(event_types__isnull=True)
                        | Q(event_types__contained_by=values(TYPES), event_types__len__gt=0),
                        name="webhook_types_known",
                    ),
                    CheckConstraint(
                        condition=Q(disabled_at__isnull=True, disabled_reason__isnull=True)
                        | Q(
                            disabled_at__isnull=False, disabled_reason__in=values(DISABLED_REASONS)
                        ),
                        name="webhook_disabled_for_a_reason",
                    ),
                    CheckConstraint(
                        condition=Q(
                            encrypted_previous_secret__isnull=True,
                            previous_secret_until__isnull=True,
                        )
                        | Q(
                            encrypted_previous_secret__isnull=False,
                            previous_secret_until__isnull=False,
                        ),
                        name="webhook_previous_secret_ends",
                    ),
                    CheckConstraint(
                        condition=Q(replay_since__isnull=True, replay_until__isnull=True)
                        | Q(replay_since__isnull=False, replay_until__isnull=False),
                        name="webhook_replay_has_both_ends",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="WebhookDelivery",
            fields=[
                ("id", UUIDField(default=uuid7, editable=False, primary_key=True, serialize=False)),
                ("type", CharField(choices=TYPES, max_length=40)),
                ("session_id", UUIDField(help_text="Of a message about a session.", null=True)),
                (
                    "sequence",
                    SmallIntegerField(
                        help_text="Its place among the messages of its session.", null=True
                    ),
                ),
                (
                    "data",
                    JSONField(
                        help_text="What only that moment knew; the rest is read when it is sent.",
                        null=True,
                    ),
                ),
                ("occurred_at", DateTimeField()),
                ("created_at", DateTimeField()),
                (
                    "request_id",
                    CharField(
                        db_default=NullIf(
                            Func(Value("kyna.request_id"), Value(True), function="current_setting"),
                            Value(""),
                        ),
                        help_text="Of the request that caused it.",
                        max_length=128,
                        null=True,
                    ),
                ),
                (
                    "status",
                    CharField(
                        choices=STATUSES, db_default="waiting", default="waiting", max_length=10
                    ),
                ),
                ("tries", SmallIntegerField(db_default=0, default=0)),
                (
                    "due_at",
                    DateTimeField(
                        db_default=Now(),
                        help_text="When it is tried next; of one that is being sent: when its claim ends.",
                    ),
                ),
                ("claim_id", UUIDField(help_text="Of the try that is under way.", null=True)),
                ("body", TextField(help_text="The body that was sent.", null=True)),
                ("tried_at", DateTimeField(help_text="When it was last tried.", null=True)),
                ("duration_ms", IntegerField(help_text="How long that took.", null=True)),
                ("response_status", SmallIntegerField(null=True)),
                ("response_body", TextField(help_text="The first KiB of the answer.", null=True)),
                ("failure", TextField(help_text="Why that try failed.", null=True)),
                (
                    "failure_detail",
                    CharField(
                        help_text="The same with what staff alone see.", max_length=500, null=True
                    ),
                ),
                (
                    "endpoint",
                    ForeignKey(
                        "webhooks.webhookendpoint",
                        PROTECT,
                        db_index=False,
                        related_name="deliveries",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "webhook deliveries",
                "db_table": "webhook_delivery",
                "ordering": ["-created_at"],
                "default_permissions": ("view",),
                "indexes": [
                    Index(
                        condition=Q(status="waiting"),
                        fields=["endpoint", "due_at"],
                        name="delivery_waiting",
                    ),
                    Index(
                        F("endpoint"),
                        F("status"),
                        F("created_at").desc(),
                        name="delivery_of_endpoint",
                    ),
                    Index(
                        condition=Q(session_id__isnull=False),
                        fields=["session_id"],
                        name="delivery_of_session",
                    ),
                ],
                "constraints": [
                    CheckConstraint(
                        condition=Q(type__in=values(TYPES)), name="delivery_type_known"
                    ),
                    CheckConstraint(
                        condition=Q(status__in=values(STATUSES)), name="delivery_status_known"
                    ),
                    CheckConstraint(
                        condition=Q(claim_id__isnull=True) | Q(status="waiting"),
                        name="delivery_claimed_only_while_waiting",
                    ),
                    CheckConstraint(
                        condition=Q(session_id__isnull=True, sequence__isnull=True)
                        | Q(session_id__isnull=False, sequence__isnull=False),
                        name="delivery_of_session_has_a_sequence",
                    ),
                    CheckConstraint(
                        condition=Q(LessThanOrEqual(Length("failure"), 500))
                        & Q(LessThanOrEqual(Length("response_body"), 1024)),
                        name="delivery_answer_bounded",
                    ),
                ],
            },
        ),
    ]
