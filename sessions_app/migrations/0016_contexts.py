from django.db import migrations, models


class Migration(migrations.Migration):
    """What a create says of whom a session is for, and of how it counts."""

    dependencies = [("sessions_app", "0015_packed_states")]

    operations = [
        migrations.AddField(
            model_name="detectionsession",
            name="parameters",
            field=models.JSONField(
                help_text="The numbers of its MoveSpec's parameters; others have their defaults.",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="detectionsession",
            name="subject",
            field=models.CharField(
                help_text="The customer's own id of the person.", max_length=128, null=True
            ),
        ),
        migrations.AddField(
            model_name="detectionsession",
            name="metadata",
            field=models.JSONField(
                help_text="The customer's own notes, as texts by name.", null=True
            ),
        ),
        migrations.AddField(
            model_name="detectionsession",
            name="locale",
            field=models.CharField(
                help_text="The language of its messages, as a BCP 47 tag.",
                max_length=100,
                null=True,
            ),
        ),
    ]
