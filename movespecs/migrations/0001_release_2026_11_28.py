"""The tables of the release of 2026-11-28.

A version changes in nothing but its withdrawal, once, and a release never: the database refuses.
"""

from uuid import uuid4

from django.conf import settings
from django.db import migrations
from django.db.models import (
    CASCADE,
    PROTECT,
    BigAutoField,
    BinaryField,
    BooleanField,
    CharField,
    CheckConstraint,
    DateTimeField,
    F,
    ForeignKey,
    Func,
    Index,
    OneToOneField,
    PositiveIntegerField,
    Q,
    TextField,
    UniqueConstraint,
    UUIDField,
)
from django.utils.timezone import now

# One statement each, as a statement that is prepared must be.
PROTECTION = [
    """
CREATE FUNCTION movespecs_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is immutable', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END
$$
    """,
    """
CREATE TRIGGER movespec_version_immutable
BEFORE UPDATE ON movespecs_movespecversion
FOR EACH ROW
WHEN (
    (OLD.id, OLD.movespec_id, OLD.version_number, OLD.yaml_source, OLD.content_hash,
     OLD.created_by, OLD.created_at)
    IS DISTINCT FROM
    (NEW.id, NEW.movespec_id, NEW.version_number, NEW.yaml_source, NEW.content_hash,
     NEW.created_by, NEW.created_at)
    OR (OLD.withdrawn_at IS NOT NULL OR NEW.withdrawn_at IS NULL)
    AND (OLD.withdrawn_at, OLD.withdrawn_by_staff_id, OLD.withdrawal_reason)
    IS DISTINCT FROM (NEW.withdrawn_at, NEW.withdrawn_by_staff_id, NEW.withdrawal_reason)
)
EXECUTE FUNCTION movespecs_refuse_change()
    """,
    """
CREATE TRIGGER movespec_version_kept
BEFORE DELETE ON movespecs_movespecversion
FOR EACH ROW EXECUTE FUNCTION movespecs_refuse_change()
    """,
    """
CREATE TRIGGER movespec_release_append_only
BEFORE UPDATE OR DELETE ON movespecs_release
FOR EACH ROW EXECUTE FUNCTION movespecs_refuse_change()
    """,
]


def visibility(comparison: str) -> Func:
    template = f"%(expressions)s {comparison}"
    return Func(F("visibility"), template=template, output_field=BooleanField())


LISTED = Q(visibility("= 'public'"), delisted_at__isnull=True) & Q(archived_at__isnull=True)
LISTED_OF_PROJECT = Q(
    visibility("<> 'private'"), delisted_at__isnull=True, archived_at__isnull=True
)
UNLISTED_OF_PROJECT = Q(
    visibility("= 'private'") | Q(delisted_at__isnull=False), archived_at__isnull=True
)
NEWEST = F("created_at").desc()


def version_field() -> ForeignKey:
    return ForeignKey("movespecs.movespecversion", PROTECT, null=True, related_name="+")


def staff_field() -> ForeignKey:
    return ForeignKey(settings.AUTH_USER_MODEL, PROTECT, null=True, related_name="+")


class Migration(migrations.Migration):
    initial = True
    replaces = [
        ("movespecs", "0001_initial"),
        ("movespecs", "0002_version_immutable"),
        ("movespecs", "0003_withdrawal_reason"),
        ("movespecs", "0004_withdrawal_immutable"),
        ("movespecs", "0005_lists"),
    ]
    dependencies = [
        ("projects", "0006_scopes"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="MoveSpec",
            fields=[
                ("id", UUIDField(default=uuid4, editable=False, primary_key=True, serialize=False)),
                ("name", CharField(max_length=255)),
                ("description", TextField(blank=True, null=True)),
                (
                    "visibility",
                    CharField(
                        choices=[("private", "Private"), ("public", "Public")],
                        default="private",
                        max_length=10,
                    ),
                ),
                ("fork_idempotency_key", CharField(editable=False, max_length=255, null=True)),
                ("fork_fingerprint", BinaryField(max_length=32, null=True)),
                (
                    "created_by",
                    UUIDField(
                        editable=False,
                        help_text="The credential that created it; empty: staff.",
                        null=True,
                    ),
                ),
                ("created_at", DateTimeField(default=now, editable=False)),
                ("updated_at", DateTimeField(default=now, editable=False)),
                ("archived_at", DateTimeField(blank=True, null=True)),
                ("delisted_at", DateTimeField(blank=True, null=True)),
                (
                    "forked_from",
                    ForeignKey(
                        "movespecs.movespec", PROTECT, blank=True, null=True, related_name="forks"
                    ),
                ),
                (
                    "project",
                    ForeignKey(
                        "projects.project", PROTECT, db_index=False, related_name="movespecs"
                    ),
                ),
            ],
            options={
                "verbose_name": "MoveSpec",
                "ordering": ["-created_at"],
                "permissions": [("moderate_movespec", "Can delist and relist MoveSpec")],
                "indexes": [
                    Index(NEWEST, condition=LISTED, name="movespec_listed"),
                    Index(
                        F("project"),
                        NEWEST,
                        condition=LISTED_OF_PROJECT,
                        name="movespec_listed_of_project",
                    ),
                    Index(
                        F("project"),
                        NEWEST,
                        condition=UNLISTED_OF_PROJECT,
                        name="movespec_unlisted_of_project",
                    ),
                ],
                "constraints": [
                    CheckConstraint(
                        condition=Q(visibility__in=["private", "public"]),
                        name="movespec_visibility_known",
                    )
                ],
            },
        ),
        migrations.AddIndex("movespec", Index(F("project"), NEWEST, name="movespec_of_project")),
        migrations.AddConstraint(
            "movespec",
            UniqueConstraint(
                condition=Q(fork_idempotency_key__isnull=False),
                fields=("project", "fork_idempotency_key"),
                name="movespec_fork_key_unique",
            ),
        ),
        migrations.CreateModel(
            name="MoveSpecDraft",
            fields=[
                ("id", UUIDField(default=uuid4, editable=False, primary_key=True, serialize=False)),
                ("yaml_source", TextField(blank=True, default="")),
                ("updated_by", UUIDField(editable=False, null=True)),
                ("updated_at", DateTimeField(default=now, editable=False)),
                (
                    "movespec",
                    OneToOneField(
                        "movespecs.movespec", CASCADE, related_name="draft", verbose_name="MoveSpec"
                    ),
                ),
            ],
            options={"verbose_name": "MoveSpec draft", "ordering": ["-updated_at"]},
        ),
        migrations.CreateModel(
            name="MoveSpecVersion",
            fields=[
                ("id", UUIDField(default=uuid4, editable=False, primary_key=True, serialize=False)),
                ("version_number", PositiveIntegerField()),
                ("yaml_source", TextField()),
                ("content_hash", CharField(max_length=64)),
                ("created_by", UUIDField(editable=False, null=True)),
                ("created_at", DateTimeField(default=now, editable=False)),
                ("withdrawn_at", DateTimeField(blank=True, null=True)),
                (
                    "movespec",
                    ForeignKey(
                        "movespecs.movespec",
                        PROTECT,
                        related_name="versions",
                        verbose_name="MoveSpec",
                    ),
                ),
                ("withdrawal_reason", TextField(blank=True, db_default="", default="")),
                ("withdrawn_by_staff", staff_field()),
            ],
            options={
                "verbose_name": "MoveSpec version",
                "ordering": ["-created_at"],
                "permissions": [
                    ("release_movespecversion", "Can release and roll back MoveSpec version"),
                    ("withdraw_movespecversion", "Can withdraw MoveSpec version"),
                ],
                "constraints": [
                    UniqueConstraint(
                        fields=("movespec", "version_number"), name="movespec_version_number_unique"
                    ),
                    CheckConstraint(
                        condition=Q(version_number__gte=1), name="movespec_version_number_positive"
                    ),
                ],
            },
        ),
        migrations.AddField(
            "movespec",
            "current_released_version",
            ForeignKey(
                "movespecs.movespecversion",
                PROTECT,
                blank=True,
                db_index=False,
                null=True,
                related_name="+",
            ),
        ),
        migrations.CreateModel(
            name="Release",
            fields=[
                (
                    "id",
                    BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("released_by_credential", UUIDField(null=True)),
                ("reason", TextField(blank=True, default="")),
                ("created_at", DateTimeField(default=now)),
                ("from_version", version_field()),
                (
                    "movespec",
                    ForeignKey(
                        "movespecs.movespec",
                        PROTECT,
                        related_name="releases",
                        verbose_name="MoveSpec",
                    ),
                ),
                ("released_by_staff", staff_field()),
                ("to_version", version_field()),
            ],
            options={
                "ordering": ["-id"],
                "constraints": [
                    CheckConstraint(
                        condition=Q(from_version__isnull=True)
                        | Q(to_version__isnull=True)
                        | ~Q(from_version=F("to_version")),
                        name="release_changes_something",
                    )
                ],
            },
        ),
        migrations.RunSQL(PROTECTION, "DROP FUNCTION movespecs_refuse_change() CASCADE"),
    ]
