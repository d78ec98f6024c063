"""The withdrawer of a version and the reason change with the withdrawal, once, and never after."""

from django.db import migrations

IDENTITY = (
    "(OLD.id, OLD.movespec_id, OLD.version_number, OLD.yaml_source, OLD.content_hash,"
    " OLD.created_by, OLD.created_at)"
    " IS DISTINCT FROM"
    " (NEW.id, NEW.movespec_id, NEW.version_number, NEW.yaml_source, NEW.content_hash,"
    " NEW.created_by, NEW.created_at)"
)
WITHDRAWAL = (
    "(OLD.withdrawn_at IS NOT NULL OR NEW.withdrawn_at IS NULL)"
    " AND (OLD.withdrawn_at, OLD.withdrawn_by_staff_id, OLD.withdrawal_reason)"
    " IS DISTINCT FROM (NEW.withdrawn_at, NEW.withdrawn_by_staff_id, NEW.withdrawal_reason)"
)
EARLIER_WITHDRAWAL = (
    "OLD.withdrawn_at IS NOT NULL AND NEW.withdrawn_at IS DISTINCT FROM OLD.withdrawn_at"
)


def trigger(withdrawal: str) -> str:
    return (
        "CREATE OR REPLACE TRIGGER movespec_version_immutable"
        " BEFORE UPDATE ON movespecs_movespecversion FOR EACH ROW"
        f" WHEN ({IDENTITY} OR {withdrawal})"
        " EXECUTE FUNCTION movespecs_refuse_change()"
    )


class Migration(migrations.Migration):
    dependencies = [("movespecs", "0003_withdrawal_reason")]

    operations = [migrations.RunSQL(trigger(WITHDRAWAL), trigger(EARLIER_WITHDRAWAL))]
