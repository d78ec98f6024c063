import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.comparison
import django.db.models.functions.datetime
import django.db.models.functions.text
import django.db.models.lookups
import uuid_utils.compat
from django.db import migrations, models


class Migration(migrations.Migration):
    """Endpoints, the deliveries to them, and the state of the sender."""

    initial = True

    dependencies = [
        ("projects", "0007_release_0_3_0"),
    ]

    operations = [
        migrations.CreateModel(
            name="SenderState",
            fields=[
                ("id", models.SmallIntegerField(primary_key=True, serialize=False)),
                ("system_identifier", models.BigIntegerField()),
                ("database_oid", models.BigIntegerField()),
                ("paused_at", models.DateTimeField(null=True)),
            ],
            options={
                "db_table": "webhook_sender",
                "default_permissions": (),
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("id", 1)), name="webhook_sender_is_one"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="WebhookEndpoint",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("url", models.CharField(max_length=2048)),
                (
                    "event_types",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=40),
                        help_text="The types that it gets; empty: every type, those to come included.",
                        null=True,
                        size=None,
                    ),
                ),
                ("description", models.CharField(max_length=2000, null=True)),
                ("encrypted_secret", models.BinaryField()),
                ("encrypted_previous_secret", models.BinaryField(null=True)),
                (
                    "previous_secret_until",
                    models.DateTimeField(
                        help_text="Until when the secret before the last rotation signs as well.",
                        null=True,
                    ),
                ),
                ("created_at", models.DateTimeField()),
                ("disabled_at", models.DateTimeField(null=True)),
                (
                    "disabled_reason",
                    models.CharField(
                        choices=[
                            ("client", "by a client of the API"),
                            ("staff", "by staff"),
                            ("gone", "the receiver answered 410"),
                            ("failing", "every try of five days failed"),
                        ],
                        max_length=10,
                        null=True,
                    ),
                ),
                (
                    "failing_since",
                    models.DateTimeField(
                        help_text="The first of the tries that have all failed since the last success.",
                        null=True,
                    ),
                ),
                (
                    "failed_at",
                    models.DateTimeField(help_text="The last of those tries.", null=True),
                ),
                (
                    "failed_tries",
                    models.IntegerField(db_default=0, default=0, help_text="How many those are."),
                ),
                (
                    "failed_messages",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.UUIDField(),
                        help_text="The first three messages of theirs.",
                        null=True,
                        size=None,
                    ),
                ),
                (
                    "replay_since",
                    models.DateTimeField(
                        help_text="The sender queues again what was not delivered since then.",
                        null=True,
                    ),
                ),
                ("replay_until", models.DateTimeField(null=True)),
                ("deleted_at", models.DateTimeField(null=True)),
                (
                    "project",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="webhook_endpoints",
                        to="projects.project",
                    ),
                ),
            ],
            options={
                "db_table": "webhook_endpoint",
                "ordering": ["-created_at"],
                "default_permissions": ("view", "change"),
            },
        ),
        migrations.CreateModel(
            name="WebhookDelivery",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "type",
                    models.CharField(
                        choices=[
                            ("session.started", "Session Started"),
                            ("session.completed", "Session Completed"),
                            ("session.failed", "Session Failed"),
                            ("session.cancelled", "Session Cancelled"),
                            ("session.deleted", "Session Deleted"),
                            ("sessions.deleted", "Sessions Deleted"),
                            ("movespec.released", "Movespec Released"),
                            ("movespec.version_withdrawn", "Version Withdrawn"),
                            ("webhook.test", "Test"),
                        ],
                        max_length=40,
                    ),
                ),
                (
                    "session_id",
                    models.UUIDField(help_text="Of a message about a session.", null=True),
                ),
                (
                    "sequence",
                    models.SmallIntegerField(
                        help_text="Its place among the messages of its session.", null=True
                    ),
                ),
                (
                    "data",
                    models.JSONField(
                        help_text="What only that moment knew; the rest is read when it is sent.",
                        null=True,
                    ),
                ),
                ("occurred_at", models.DateTimeField()),
                ("created_at", models.DateTimeField()),
                (
                    "request_id",
                    models.CharField(
                        db_default=django.db.models.functions.comparison.NullIf(
                            models.Func(
                                models.Value("kyna.request_id"),
                                models.Value(True),
                                function="current_setting",
                            ),
                            models.Value(""),
                        ),
                        help_text="Of the request that caused it.",
                        max_length=128,
                        null=True,
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("waiting", "Waiting"),
                            ("delivered", "Delivered"),
                            ("failed", "Failed"),
                            ("held", "Held"),
                        ],
                        db_default="waiting",
                        default="waiting",
                        max_length=10,
                    ),
                ),
                ("tries", models.SmallIntegerField(db_default=0, default=0)),
                (
                    "due_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(),
                        help_text="When it is tried next; of one that is being sent: when its claim ends.",
                    ),
                ),
                (
                    "claim_id",
                    models.UUIDField(help_text="Of the try that is under way.", null=True),
                ),
                ("body", models.TextField(help_text="The body that was sent.", null=True)),
                ("tried_at", models.DateTimeField(help_text="When it was last tried.", null=True)),
                ("duration_ms", models.IntegerField(help_text="How long that took.", null=True)),
                ("response_status", models.SmallIntegerField(null=True)),
                (
                    "response_body",
                    models.TextField(help_text="The first KiB of the answer.", null=True),
                ),
                ("failure", models.TextField(help_text="Why that try failed.", null=True)),
                (
                    "failure_detail",
                    models.CharField(
                        help_text="The same with what staff alone see.", max_length=500, null=True
                    ),
                ),
                (
                    "endpoint",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="deliveries",
                        to="webhooks.webhookendpoint",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "webhook deliveries",
                "db_table": "webhook_delivery",
                "ordering": ["-created_at"],
                "default_permissions": ("view",),
            },
        ),
        migrations.AddIndex(
            model_name="webhookendpoint",
            index=models.Index(
                models.F("project"),
                models.OrderBy(models.F("created_at"), descending=True),
                condition=models.Q(("deleted_at__isnull", True)),
                name="webhook_of_project",
            ),
        ),
        migrations.AddIndex(
            model_name="webhookendpoint",
            index=models.Index(
                condition=models.Q(("replay_since__isnull", False)),
                fields=["replay_since"],
                name="webhook_replay",
            ),
        ),
        migrations.AddIndex(
            model_name="webhookendpoint",
            index=models.Index(
                condition=models.Q(("deleted_at__isnull", False)),
                fields=["deleted_at"],
                name="webhook_deleted",
            ),
        ),
        migrations.AddConstraint(
            model_name="webhookendpoint",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("event_types__isnull", True),
                    models.Q(
                        (
                            "event_types__contained_by",
                            [
                                "session.started",
                                "session.completed",
                                "session.failed",
                                "session.cancelled",
                                "session.deleted",
                                "sessions.deleted",
                                "movespec.released",
                                "movespec.version_withdrawn",
                                "webhook.test",
                            ],
                        ),
                        ("event_types__len__gt", 0),
                    ),
                    _connector="OR",
                ),
                name="webhook_types_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="webhookendpoint",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("disabled_at__isnull", True), ("disabled_reason__isnull", True)),
                    models.Q(
                        ("disabled_at__isnull", False),
                        ("disabled_reason__in", ["client", "staff", "gone", "failing"]),
                    ),
                    _connector="OR",
                ),
                name="webhook_disabled_for_a_reason",
            ),
        ),
        migrations.AddConstraint(
            model_name="webhookendpoint",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("encrypted_previous_secret__isnull", True),
                        ("previous_secret_until__isnull", True),
                    ),
                    models.Q(
                        ("encrypted_previous_secret__isnull", False),
                        ("previous_secret_until__isnull", False),
                    ),
                    _connector="OR",
                ),
                name="webhook_previous_secret_ends",
            ),
        ),
        migrations.AddConstraint(
            model_name="webhookendpoint",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("replay_since__isnull", True), ("replay_until__isnull", True)),
                    models.Q(("replay_since__isnull", False), ("replay_until__isnull", False)),
                    _connector="OR",
                ),
                name="webhook_replay_has_both_ends",
            ),
        ),
        migrations.AddIndex(
            model_name="webhookdelivery",
            index=models.Index(
                condition=models.Q(("status", "waiting")),
                fields=["endpoint", "due_at"],
                name="delivery_waiting",
            ),
        ),
        migrations.AddIndex(
            model_name="webhookdelivery",
            index=models.Index(
                models.F("endpoint"),
                models.F("status"),
                models.OrderBy(models.F("created_at"), descending=True),
                name="delivery_of_endpoint",
            ),
        ),
        migrations.AddIndex(
            model_name="webhookdelivery",
            index=models.Index(
                condition=models.Q(("session_id__isnull", False)),
                fields=["session_id"],
                name="delivery_of_session",
            ),
        ),
        migrations.AddConstraint(
            model_name="webhookdelivery",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "type__in",
                        [
                            "session.started",
                            "session.completed",
                            "session.failed",
                            "session.cancelled",
                            "session.deleted",
                            "sessions.deleted",
                            "movespec.released",
                            "movespec.version_withdrawn",
                            "webhook.test",
                        ],
                    )
                ),
                name="delivery_type_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="webhookdelivery",
            constraint=models.CheckConstraint(
                condition=models.Q(("status__in", ["waiting", "delivered", "failed", "held"])),
                name="delivery_status_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="webhookdelivery",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("claim_id__isnull", True), ("status", "waiting"), _connector="OR"
                ),
                name="delivery_claimed_only_while_waiting",
            ),
        ),
        migrations.AddConstraint(
            model_name="webhookdelivery",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("sequence__isnull", True), ("session_id__isnull", True)),
                    models.Q(("sequence__isnull", False), ("session_id__isnull", False)),
                    _connector="OR",
                ),
                name="delivery_of_session_has_a_sequence",
            ),
        ),
        migrations.AddConstraint(
            model_name="webhookdelivery",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    django.db.models.lookups.LessThanOrEqual(
                        django.db.models.functions.text.Length("failure"), 500
                    ),
                    django.db.models.lookups.LessThanOrEqual(
                        django.db.models.functions.text.Length("response_body"), 1024
                    ),
                ),
                name="delivery_answer_bounded",
            ),
        ),
    ]
