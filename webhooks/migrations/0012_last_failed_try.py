from django.db import migrations, models


class Migration(migrations.Migration):
    """When the last try failed: long after it the five days begin anew."""

    dependencies = [("webhooks", "0011_request_ids")]

    operations = [
        migrations.AddField(
            "webhookendpoint",
            "failed_at",
            models.DateTimeField(help_text="The last of those tries.", null=True),
        ),
    ]
