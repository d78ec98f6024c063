from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import migrations
from django.db.models import F, Q

from kynaplatform.database.concurrent_indexes import AddIndexOnce
from sessions_app.models import Notes


class Migration(migrations.Migration):
    """An index of the texts of metadata."""

    atomic = False

    dependencies = [("sessions_app", "0017_sessions_of_subjects")]

    operations = [
        AddIndexOnce(
            model_name="detectionsession",
            index=GinIndex(
                OpClass(Notes(F("metadata")), name="jsonb_path_ops"),
                condition=Q(metadata__isnull=False, deadline_at__isnull=True),
                name="session_of_note",
            ),
        ),
    ]
