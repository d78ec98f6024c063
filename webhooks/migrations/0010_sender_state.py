from django.db import migrations, models


class Migration(migrations.Migration):
    """Which database webhooks are sent from. The first sender writes the row."""

    dependencies = [("webhooks", "0009_failure_detail")]

    operations = [
        migrations.CreateModel(
            name="SenderState",
            fields=[
                ("id", models.SmallIntegerField(primary_key=True, serialize=False)),
                ("system_identifier", models.BigIntegerField()),
                ("database_oid", models.BigIntegerField()),
                ("paused_at", models.DateTimeField(null=True)),
            ],
            options={"db_table": "webhook_sender", "default_permissions": ()},
        ),
        migrations.AddConstraint(
            "senderstate",
            models.CheckConstraint(condition=models.Q(("id", 1)), name="webhook_sender_is_one"),
        ),
    ]
