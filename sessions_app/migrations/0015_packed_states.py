from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("sessions_app", "0014_last_runs"),
    ]

    operations = [
        migrations.AddField(
            model_name="detectionsession",
            name="packed_state",
            field=models.BinaryField(
                help_text="The state of the stream until its end (stream_state.py).", null=True
            ),
        ),
        migrations.AlterField(
            model_name="detectionsession",
            name="engine_state",
            field=models.JSONField(
                help_text="The same, where code of the release before has stored it.", null=True
            ),
        ),
        migrations.AlterField(
            model_name="detectionsession",
            name="summary",
            field=models.JSONField(help_text="What its frames showed.", null=True),
        ),
        # A row of a live session has about 2,200 bytes. From 2,032 on PostgreSQL would try at every
        # checkpoint to compress what is not compressible, or to store it in a second table.
        migrations.RunSQL(
            "ALTER TABLE detection_session SET (toast_tuple_target = 4080), "
            "ALTER COLUMN packed_state SET STORAGE MAIN",
            "ALTER TABLE detection_session RESET (toast_tuple_target), "
            "ALTER COLUMN packed_state SET STORAGE EXTENDED",
        ),
    ]
