"""The number of values that columns of the lists' indexes have, told instead of counted.

Counted while one project or one state was there, another index passes for as good, and is read
whole once there are more (tests/sessions_app/test_list.py). It holds from the next ANALYZE.
"""

from django.db import migrations

TOLD = {"project_id": 1_000, "resolved_version_id": 1_000, "status": 6, "mode": 2}


def each_column(action: str) -> str:
    alterations = (
        f"ALTER COLUMN {name} {action.format(distinct)}" for name, distinct in TOLD.items()
    )
    return f"ALTER TABLE detection_session {', '.join(alterations)}"


class Migration(migrations.Migration):
    dependencies = [("sessions_app", "0004_runtime")]

    operations = [
        migrations.RunSQL(each_column("SET (n_distinct = {})"), each_column("RESET (n_distinct)")),
    ]
