"""Indexes of the admin's lists, made beside the traffic: a plain one would stop every create."""

from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models
from django.db.models import F, Q

STATE = [F("status"), F("mode"), F("created_at").desc()]
ENDED = Q(deadline_at__isnull=True)
LIVE = Q(deadline_at__isnull=False)


def add(index: models.Index) -> AddIndexConcurrently:
    return AddIndexConcurrently("detectionsession", index)


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("sessions_app", "0002_staff_permissions")]

    operations = [
        # The narrower one serves until the wider one is made.
        migrations.RenameIndex(
            "detectionsession",
            old_name="session_live_of_project",
            new_name="session_live_of_project_0001",
        ),
        add(models.Index(F("project"), *STATE, condition=LIVE, name="session_live_of_project")),
        RemoveIndexConcurrently("detectionsession", "session_live_of_project_0001"),
        add(models.Index(*STATE, name="session_of_state")),
        add(models.Index(F("project"), *STATE, condition=ENDED, name="session_ended_of_project")),
        add(
            models.Index(
                F("resolved_version"), *STATE, condition=ENDED, name="session_ended_of_version"
            )
        ),
    ]
