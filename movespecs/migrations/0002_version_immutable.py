"""A version changes in nothing but its withdrawal, and a release never: the database refuses."""

from django.db import migrations

# One statement each, as a statement that is prepared must be.
FORWARDS = [
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
    OR OLD.withdrawn_at IS NOT NULL AND NEW.withdrawn_at IS DISTINCT FROM OLD.withdrawn_at
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
BACKWARDS = [
    "DROP TRIGGER movespec_release_append_only ON movespecs_release",
    "DROP TRIGGER movespec_version_kept ON movespecs_movespecversion",
    "DROP TRIGGER movespec_version_immutable ON movespecs_movespecversion",
    "DROP FUNCTION movespecs_refuse_change()",
]


class Migration(migrations.Migration):
    dependencies = [("movespecs", "0001_initial")]

    operations = [migrations.RunSQL(FORWARDS, BACKWARDS)]
