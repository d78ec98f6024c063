"""Versions and releases may be deleted with a project that is being erased, and else never."""

from django.db import migrations

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
    dependencies = [("erasure", "0001_ledger"), ("movespecs", "0005_lists")]

    operations = [migrations.RunSQL(FORWARDS, BACKWARDS)]
