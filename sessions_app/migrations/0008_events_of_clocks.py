from django.db import migrations, models


class Migration(migrations.Migration):
    """The values that the columns may hold; the tables stay as they are."""

    dependencies = [
        ("sessions_app", "0007_engine_version"),
    ]

    operations = [
        migrations.AlterField(
            model_name="detectionevent",
            name="frame_seq",
            field=models.BigIntegerField(help_text="Of the frame that decided it; 0: a clock did."),
        ),
        migrations.AlterField(
            model_name="detectionevent",
            name="ts_ms",
            field=models.FloatField(help_text="When it was, in milliseconds of the frames' time."),
        ),
    ]
