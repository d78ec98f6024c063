"""The tables of the release of 2026-11-28.

Other migrations depend on the names that this one replaces. So `migrate` refuses the database of an
earlier commit, which has only some of them.
"""

from uuid import uuid4

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MinValueValidator
from django.db import migrations
from django.db.models import (
    PROTECT,
    BinaryField,
    CharField,
    CheckConstraint,
    DateTimeField,
    F,
    ForeignKey,
    Index,
    PositiveIntegerField,
    PositiveSmallIntegerField,
    Q,
    UUIDField,
)
from django.utils.timezone import now

from common.names import validate_name
from projects.models import all_scopes


def limit_field(help_text: str, **options: str) -> PositiveIntegerField:
    return PositiveIntegerField(
        blank=True, help_text=help_text, null=True, validators=[MinValueValidator(1)], **options
    )


class Migration(migrations.Migration):
    initial = True
    replaces = [
        ("projects", "0001_initial"),
        ("projects", "0002_staff_permissions"),
        ("projects", "0003_names"),
        ("projects", "0004_movespec_limits"),
        ("projects", "0005_successors"),
        ("projects", "0006_scopes"),
    ]

    operations = [
        migrations.CreateModel(
            name="Organization",
            fields=[
                ("id", UUIDField(default=uuid4, editable=False, primary_key=True, serialize=False)),
                ("name", CharField(max_length=255, validators=[validate_name])),
                ("suspended_at", DateTimeField(blank=True, null=True)),
                (
                    "rate_limit",
                    limit_field(
                        "Requests per minute of all its projects together; empty: the default."
                    ),
                ),
                ("created_at", DateTimeField(default=now, editable=False)),
            ],
            options={
                "ordering": ["-created_at"],
                "permissions": [("suspend_organization", "Can suspend and resume organization")],
            },
        ),
        migrations.CreateModel(
            name="SigningKey",
            fields=[
                ("id", UUIDField(default=uuid4, editable=False, primary_key=True, serialize=False)),
                ("public_key", BinaryField(max_length=32)),
                ("encrypted_private_key", BinaryField(null=True)),
                ("created_at", DateTimeField()),
                ("signs_from", DateTimeField(unique=True)),
            ],
            options={"ordering": ["-signs_from"]},
        ),
        migrations.CreateModel(
            name="Project",
            fields=[
                ("id", UUIDField(default=uuid4, editable=False, primary_key=True, serialize=False)),
                ("name", CharField(max_length=255, validators=[validate_name])),
                ("suspended_at", DateTimeField(blank=True, null=True)),
                ("rate_limit", limit_field("Requests per minute; empty: the default.")),
                (
                    "rate_limit_sessions",
                    limit_field("Session creations per minute; empty: the default."),
                ),
                (
                    "rate_limit_movespecs",
                    limit_field("Requests to MoveSpecs per minute; empty: the default."),
                ),
                ("created_at", DateTimeField(default=now, editable=False)),
                (
                    "organization",
                    ForeignKey("projects.organization", PROTECT, related_name="projects"),
                ),
                (
                    "movespec_limit",
                    limit_field(
                        "MoveSpecs that it may have, archived ones included; empty: the default.",
                        verbose_name="MoveSpec limit",
                    ),
                ),
                (
                    "version_limit",
                    limit_field("Versions that each MoveSpec may have; empty: the default."),
                ),
            ],
            options={
                "ordering": ["-created_at"],
                "permissions": [("suspend_project", "Can suspend and resume project")],
            },
        ),
        migrations.CreateModel(
            name="Credential",
            fields=[
                ("id", UUIDField(default=uuid4, editable=False, primary_key=True, serialize=False)),
                (
                    "kind",
                    CharField(
                        choices=[("api_key", "API key"), ("service_account", "service account")],
                        editable=False,
                        max_length=20,
                    ),
                ),
                ("name", CharField(max_length=255, validators=[validate_name])),
                ("secret_hash", BinaryField(max_length=32)),
                ("pepper_number", PositiveSmallIntegerField()),
                ("scopes", ArrayField(CharField(max_length=32), default=all_scopes, size=None)),
                ("expires_at", DateTimeField(blank=True, null=True)),
                ("revoked_at", DateTimeField(blank=True, null=True)),
                ("last_used_at", DateTimeField(blank=True, editable=False, null=True)),
                ("created_at", DateTimeField(default=now, editable=False)),
                ("project", ForeignKey("projects.project", PROTECT, related_name="credentials")),
                (
                    "replaces",
                    ForeignKey(
                        "projects.credential",
                        PROTECT,
                        editable=False,
                        null=True,
                        related_name="successors",
                    ),
                ),
            ],
            options={
                "ordering": ["-created_at"],
                "constraints": [
                    CheckConstraint(
                        condition=Q(kind__in=["api_key", "service_account"]),
                        name="credential_kind_known",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="ApiKey",
            fields=[],
            options={"verbose_name": "API key", "proxy": True, "indexes": [], "constraints": []},
            bases=("projects.credential",),
        ),
        migrations.CreateModel(
            name="ServiceAccount",
            fields=[],
            options={"proxy": True, "indexes": [], "constraints": []},
            bases=("projects.credential",),
        ),
        migrations.CreateModel(
            name="AccessToken",
            fields=[
                ("id", UUIDField(default=uuid4, editable=False, primary_key=True, serialize=False)),
                ("scopes", ArrayField(CharField(max_length=32), size=None)),
                ("created_at", DateTimeField()),
                ("expires_at", DateTimeField()),
                ("revoked_at", DateTimeField(blank=True, null=True)),
                (
                    "credential",
                    ForeignKey("projects.credential", PROTECT, related_name="access_tokens"),
                ),
                (
                    "project",
                    ForeignKey(
                        "projects.project", PROTECT, db_index=False, related_name="access_tokens"
                    ),
                ),
            ],
            options={
                "ordering": ["-created_at"],
                "constraints": [
                    CheckConstraint(
                        condition=Q(expires_at__gt=F("created_at")),
                        name="access_token_expires_after_creation",
                    )
                ],
            },
        ),
        migrations.AddIndex(
            "accesstoken", Index(F("project"), F("created_at").desc(), name="token_of_project")
        ),
        migrations.AddIndex("accesstoken", Index(fields=["expires_at"], name="token_expiry")),
    ]
