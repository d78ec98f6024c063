from django.db import migrations, models


class Migration(migrations.Migration):
    """The credential that created a session; of those before it is not known."""

    dependencies = [("sessions_app", "0018_notes")]

    operations = [
        migrations.AddField(
            model_name="detectionsession",
            name="created_by",
            field=models.UUIDField(
                null=True, help_text="The credential that created it; empty: code from before."
            ),
        ),
    ]
