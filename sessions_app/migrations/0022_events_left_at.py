from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("sessions_app", "0021_partitioned_events")]

    operations = [
        migrations.AddField(
            model_name="detectionsession",
            name="events_left_at",
            field=models.DateTimeField(
                help_text="When its events were deleted by retention; it has them while empty.",
                null=True,
            ),
        ),
    ]
