from django.db import migrations


class Migration(migrations.Migration):
    """Room in each page for the next versions of its sessions (figures in docs/benchmarks.md)."""

    dependencies = [("sessions_app", "0023_sessions_with_events")]

    operations = [
        migrations.RunSQL(
            "ALTER TABLE detection_session SET (fillfactor = 50)",
            "ALTER TABLE detection_session SET (fillfactor = 70)",
        ),
    ]
