from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import migrations, models
from django.db.models import F, Q

from kynaplatform.database.indexes import AddIndexOnce
from sessions_app.models import Notes


class Migration(migrations.Migration):
    """The indexes of release 0.3.0, made beside the traffic."""

    atomic = False
    replaces = [
        ("sessions_app", "0011_unreadable_sessions"),
        ("sessions_app", "0017_sessions_of_subjects"),
        ("sessions_app", "0018_notes"),
        ("sessions_app", "0020_sessions_of_credentials"),
        ("sessions_app", "0023_sessions_with_events"),
    ]
    dependencies = [("sessions_app", "0010_release_0_3_0")]

    operations = [
        AddIndexOnce(
            model_name="detectionsession",
            index=models.Index(
                fields=["unreadable_since"],
                condition=models.Q(deadline_at__isnull=False, unreadable_since__isnull=False),
                name="session_unreadable",
            ),
        ),
        AddIndexOnce(
            model_name="detectionsession",
            index=models.Index(
                F("subject"),
                F("project"),
                F("created_at").desc(),
                condition=models.Q(subject__isnull=False),
                name="session_of_subject",
            ),
        ),
        AddIndexOnce(
            model_name="detectionsession",
            index=GinIndex(
                OpClass(Notes(F("metadata")), name="jsonb_path_ops"),
                condition=Q(metadata__isnull=False, deadline_at__isnull=True),
                name="session_of_note",
            ),
        ),
        AddIndexOnce(
            model_name="detectionsession",
            index=models.Index(
                F("created_by"),
                F("created_at").desc(),
                condition=models.Q(created_by__isnull=False, deadline_at__isnull=True),
                name="session_ended_of_credential",
            ),
        ),
        AddIndexOnce(
            model_name="detectionsession",
            index=models.Index(
                fields=["project", "ended_at"],
                condition=Q(ended_at__isnull=False, events_left_at__isnull=True),
                name="session_with_events",
            ),
        ),
    ]
