from django.db import migrations, models


class Migration(migrations.Migration):
    """When each periodic task, and the backup, last ended well."""

    dependencies = [("sessions_app", "0013_session_summaries")]

    operations = [
        migrations.CreateModel(
            name="LastRun",
            fields=[
                (
                    "name",
                    models.CharField(
                        editable=False, max_length=100, primary_key=True, serialize=False
                    ),
                ),
                ("ended_at", models.DateTimeField()),
            ],
            options={"db_table": "last_run", "default_permissions": ()},
        ),
    ]
