from django.db import migrations, models


class Migration(migrations.Migration):
    """The active time of a session beside its state, whose summary has it too, for usage.

    It is empty until a checkpoint of this release.
    """

    dependencies = [("sessions_app", "0020_sessions_of_credentials")]

    operations = [
        migrations.AddField(
            model_name="detectionsession",
            name="active_ms",
            field=models.BigIntegerField(
                null=True,
                help_text="The frame time between its accepted frames, gaps over 2 s left out.",
            ),
        ),
    ]
