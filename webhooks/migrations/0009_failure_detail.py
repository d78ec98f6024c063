from django.db import migrations, models


class Migration(migrations.Migration):
    """Why a try failed, for staff: addresses of ours that its customer doesn't read."""

    dependencies = [("webhooks", "0007_batches_of_deletions")]

    operations = [
        migrations.AddField(
            "webhookdelivery",
            "failure_detail",
            models.CharField(
                help_text="The same with what staff alone see.", max_length=500, null=True
            ),
        ),
    ]
