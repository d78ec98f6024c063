"""Indexes of the admin's lists."""

from django.contrib.postgres.operations import RemoveIndexConcurrently
from django.db import migrations, models
from django.db.models import F, Q

from kynaplatform.database.indexes import AddIndexOnce

STATE = [F("status"), F("mode"), F("created_at").desc()]
ENDED = Q(deadline_at__isnull=True)
LIVE = Q(deadline_at__isnull=False)


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
