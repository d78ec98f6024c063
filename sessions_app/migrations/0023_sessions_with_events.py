from django.db import migrations, models
from django.db.models import Q

from kynaplatform.database.concurrent_indexes import AddIndexOnce


class Migration(migrations.Migration):
    """An index of the sessions that have ended and still have their events."""

    atomic = False

    dependencies = [("sessions_app", "0022_events_left_at")]

    operations = [
        AddIndexOnce(
            model_name="detectionsession",
            index=models.Index(
                fields=["project", "ended_at"],
                condition=Q(ended_at__isnull=False, events_left_at__isnull=True),
                name="session_with_events",
            ),
        ),
    ]
