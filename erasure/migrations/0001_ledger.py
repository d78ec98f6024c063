"""Erasures, and the ledger of what was erased."""

from django.db import migrations
from django.db.models import (
    BigIntegerField,
    CharField,
    CheckConstraint,
    DateTimeField,
    Index,
    Q,
    UUIDField,
)
from uuid_utils.compat import uuid7

# Versions and releases may be deleted with a project that is being erased, and else never.
# One statement each, as a statement that is prepared must be.
FORWARDS = [
    """
CREATE FUNCTION movespecs_refuse_delete() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM movespecs_movespec AS movespec
        JOIN projects_project AS project ON project.id = movespec.project_id
        JOIN erasure ON erasure.ended_at IS NULL AND (
            erasure.kind = 'project' AND erasure.project_id = project.id
            OR erasure.kind = 'organization' AND erasure.organization_id = project.organization_id
        )
        WHERE movespec.id = OLD.movespec_id
    ) THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION '% is immutable', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END
$$
    """,
    """
CREATE OR REPLACE TRIGGER movespec_version_kept
BEFORE DELETE ON movespecs_movespecversion
FOR EACH ROW EXECUTE FUNCTION movespecs_refuse_delete()
    """,
    """
CREATE OR REPLACE TRIGGER movespec_release_append_only
BEFORE UPDATE ON movespecs_release
FOR EACH ROW EXECUTE FUNCTION movespecs_refuse_change()
    """,
    """
CREATE TRIGGER movespec_release_kept
BEFORE DELETE ON movespecs_release
FOR EACH ROW EXECUTE FUNCTION movespecs_refuse_delete()
    """,
]
BACKWARDS = [
    "DROP TRIGGER movespec_release_kept ON movespecs_release",
    """
CREATE OR REPLACE TRIGGER movespec_release_append_only
BEFORE UPDATE OR DELETE ON movespecs_release
FOR EACH ROW EXECUTE FUNCTION movespecs_refuse_change()
    """,
    """
CREATE OR REPLACE TRIGGER movespec_version_kept
BEFORE DELETE ON movespecs_movespecversion
FOR EACH ROW EXECUTE FUNCTION movespecs_refuse_change()
    """,
    "DROP FUNCTION movespecs_refuse_delete()",
]


class Migration(migrations.Migration):
    initial = True

    dependencies = [("movespecs", "0005_lists")]

    operations = [
        migrations.CreateModel(
            name="ErasedSession",
            fields=[
                ("id", UUIDField(editable=False, primary_key=True, serialize=False)),
                ("erased_at", DateTimeField()),
                ("exported_at", DateTimeField(null=True)),
            ],
            options={
                "db_table": "erased_session",
                "default_permissions": (),
                "indexes": [
                    Index(
                        condition=Q(exported_at__isnull=True),
                        fields=["id"],
                        name="erased_session_unexported",
                    ),
                    Index(fields=["erased_at"], name="erased_session_age"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Erasure",
            fields=[
                ("id", UUIDField(default=uuid7, editable=False, primary_key=True, serialize=False)),
                (
                    "kind",
                    CharField(
                        choices=[
                            ("subject", "Subject"),
                            ("project", "Project"),
                            ("organization", "Organization"),
                        ],
                        max_length=12,
                    ),
                ),
                ("organization_id", UUIDField()),
                ("project_id", UUIDField(help_text="Empty: the whole organization.", null=True)),
                (
                    "subject",
                    CharField(
                        help_text="The person's id, until all of it is erased.",
                        max_length=128,
                        null=True,
                    ),
                ),
                (
                    "subject_digest",
                    CharField(
                        help_text="By which the ledger finds it in an older backup.",
                        max_length=64,
                        null=True,
                    ),
                ),
                ("requested_at", DateTimeField(help_text="What was created after it stays.")),
                ("ended_at", DateTimeField(null=True)),
                (
                    "sessions",
                    BigIntegerField(default=0, help_text="How many sessions it has erased so far."),
                ),
                ("exported_at", DateTimeField(null=True)),
            ],
            options={
                "db_table": "erasure",
                "ordering": ["-requested_at"],
                "default_permissions": ("view",),
                "indexes": [
                    Index(
                        condition=Q(ended_at__isnull=True),
                        fields=["requested_at"],
                        name="erasure_pending",
                    ),
                    Index(
                        condition=Q(exported_at__isnull=True),
                        fields=["id"],
                        name="erasure_unexported",
                    ),
                    Index(fields=["-requested_at"], name="erasure_newest"),
                ],
                "constraints": [
                    CheckConstraint(
                        condition=Q(kind__in=["subject", "project", "organization"]),
                        name="erasure_kind_known",
                    ),
                    CheckConstraint(
                        condition=Q(kind="organization", project_id__isnull=True)
                        | Q(kind="project", project_id__isnull=False)
                        | Q(kind="subject", project_id__isnull=False, subject_digest__isnull=False),
                        name="erasure_names_what_it_erases",
                    ),
                    CheckConstraint(
                        condition=Q(subject__isnull=True)
                        | Q(kind="subject", ended_at__isnull=True),
                        name="erasure_forgets_the_subject",
                    ),
                ],
            },
        ),
        migrations.RunSQL(FORWARDS, BACKWARDS),
    ]
