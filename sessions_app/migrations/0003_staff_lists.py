"""Indexes of the admin's lists, made beside the traffic: a plain one would stop every create.

That can't be undone as one, so a migrate that was interrupted here is run again.
"""

from typing import Any

from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models
from django.db.models import F, Q

STATE = [F("status"), F("mode"), F("created_at").desc()]
ENDED = Q(deadline_at__isnull=True)
LIVE = Q(deadline_at__isnull=False)


class AddIndexOnce(AddIndexConcurrently):
    """Leaves the index that an earlier run has made, and makes anew the one that it left invalid."""

    def database_forwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        with schema_editor.connection.cursor() as cursor:
            cursor.execute(
                "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(%s)",
                [self.index.name],
            )
            found = cursor.fetchone()
        if found == (True,):
            return
        schema_editor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {self.index.name}")
        super().database_forwards(app_label, schema_editor, from_state, to_state)


def add(index: models.Index) -> AddIndexOnce:
    return AddIndexOnce("detectionsession", index)


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("sessions_app", "0002_staff_permissions")]

    operations = [
        add(
            models.Index(F("project"), *STATE, condition=LIVE, name="session_live_of_project_state")
        ),
        # Narrower; it serves until the wider one is made.
        RemoveIndexConcurrently("detectionsession", "session_live_of_project"),
        add(models.Index(*STATE, name="session_of_state")),
        add(models.Index(F("project"), *STATE, condition=ENDED, name="session_ended_of_project")),
        add(
            models.Index(
                F("resolved_version"), *STATE, condition=ENDED, name="session_ended_of_version"
            )
        ),
    ]
