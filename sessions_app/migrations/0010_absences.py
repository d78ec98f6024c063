from django.db import migrations, models


class Migration(migrations.Migration):
    """The row of heartbeats, and since when a session is left to a process that can read it."""

    dependencies = [("sessions_app", "0009_event_counters")]

    operations = [
        migrations.CreateModel(
            name="PlatformHeartbeat",
            fields=[
                (
                    "id",
                    models.SmallIntegerField(
                        default=1, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("alive_at", models.DateTimeField()),
            ],
            options={
                "db_table": "platform_heartbeat",
                "default_permissions": (),
                "constraints": [
                    models.CheckConstraint(condition=models.Q(id=1), name="heartbeat_is_one")
                ],
            },
        ),
        migrations.AddField(
            model_name="detectionsession",
            name="unreadable_since",
            field=models.DateTimeField(
                help_text="Since when it is left to a process that can read its state, for ten minutes.",
                null=True,
            ),
        ),
    ]
