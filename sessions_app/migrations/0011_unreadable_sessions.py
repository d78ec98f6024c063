from django.db import migrations, models

from kynaplatform.database.concurrent_indexes import AddIndexOnce


class Migration(migrations.Migration):
    """An index of the sessions that are left to a process that can read their state."""

    atomic = False

    dependencies = [("sessions_app", "0010_absences")]

    operations = [
        AddIndexOnce(
            model_name="detectionsession",
            index=models.Index(
                fields=["unreadable_since"],
                condition=models.Q(deadline_at__isnull=False, unreadable_since__isnull=False),
                name="session_unreadable",
            ),
        ),
    ]
