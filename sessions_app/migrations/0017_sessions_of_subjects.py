from django.db import migrations, models
from django.db.models import F

from kynaplatform.database.concurrent_indexes import AddIndexOnce


class Migration(migrations.Migration):
    """An index of the sessions that have a subject."""

    atomic = False

    dependencies = [("sessions_app", "0016_contexts")]

    operations = [
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
    ]
