from django.db import migrations, models
from django.db.models import F

from kynaplatform.database.concurrent_indexes import AddIndexOnce


class Migration(migrations.Migration):
    """An index of the ended sessions that a credential created."""

    atomic = False

    dependencies = [("sessions_app", "0019_created_by")]

    operations = [
        AddIndexOnce(
            model_name="detectionsession",
            index=models.Index(
                F("created_by"),
                F("created_at").desc(),
                condition=models.Q(created_by__isnull=False, deadline_at__isnull=True),
                name="session_ended_of_credential",
            ),
        ),
    ]
