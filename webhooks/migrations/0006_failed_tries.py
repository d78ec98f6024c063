import django.contrib.postgres.fields
from django.db import migrations, models


class Migration(migrations.Migration):
    """How many tries have failed of an endpoint, and of which messages."""

    dependencies = [("webhooks", "0005_bounded_answers")]

    operations = [
        migrations.AddField(
            "webhookendpoint",
            "failed_tries",
            models.IntegerField(db_default=0, default=0, help_text="How many those are."),
        ),
        migrations.AddField(
            "webhookendpoint",
            "failed_messages",
            django.contrib.postgres.fields.ArrayField(
                base_field=models.UUIDField(),
                help_text="The first three messages of theirs.",
                null=True,
                size=None,
            ),
        ),
    ]
