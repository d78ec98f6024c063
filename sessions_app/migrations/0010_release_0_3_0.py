import uuid_utils.compat
from django.db import migrations, models


class Migration(migrations.Migration):
    """The tables and columns of release 0.3.0, each added at once, whatever the table's size."""

    replaces = [
        ("sessions_app", "0010_absences"),
        ("sessions_app", "0012_session_ids_begin_with_their_time"),
        ("sessions_app", "0013_session_summaries"),
        ("sessions_app", "0014_last_runs"),
        ("sessions_app", "0015_packed_states"),
        ("sessions_app", "0016_contexts"),
        ("sessions_app", "0019_created_by"),
        ("sessions_app", "0022_events_left_at"),
        ("sessions_app", "0024_room_for_checkpoints"),
    ]
    dependencies = [("sessions_app", "0009_event_counters")]

    operations = [
        migrations.CreateModel(
            name="PlatformHeartbeat",
            fields=[
                (
                    "id",
                    models.SmallIntegerField(
                        default=1, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("alive_at", models.DateTimeField()),
            ],
            options={
                "db_table": "platform_heartbeat",
                "default_permissions": (),
                "constraints": [
                    models.CheckConstraint(condition=models.Q(id=1), name="heartbeat_is_one")
                ],
            },
        ),
        migrations.AddField(
            model_name="detectionsession",
            name="unreadable_since",
            field=models.DateTimeField(
                help_text="Since when it waits for a process that can read its state.",
                null=True,
            ),
        ),
        migrations.AlterField(
            model_name="detectionsession",
            name="id",
            field=models.UUIDField(
                default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
            ),
        ),
        migrations.AddField(
            model_name="detectionsession",
            name="summary",
            field=models.JSONField(help_text="What its frames showed.", null=True),
        ),
        migrations.AddField(
            model_name="sessionattach",
            name="client",
            field=models.CharField(
                db_default="",
                default="",
                help_text="What the client calls itself: its User-Agent.",
                max_length=160,
            ),
        ),
        migrations.CreateModel(
            name="LastRun",
            fields=[
                (
                    "name",
                    models.CharField(
                        editable=False, max_length=100, primary_key=True, serialize=False
                    ),
                ),
                ("ended_at", models.DateTimeField()),
            ],
            options={"db_table": "last_run", "default_permissions": ()},
        ),
        migrations.AddField(
            model_name="detectionsession",
            name="packed_state",
            field=models.BinaryField(
                help_text="The stream's state until the end (stream_state.py).", null=True
            ),
        ),
        migrations.AlterField(
            model_name="detectionsession",
            name="engine_state",
            field=models.JSONField(
                help_text="The same, as the release before stores it.", null=True
            ),
        ),
        # A row of a live session has about 2,200 bytes. From 2,032 on PostgreSQL would try at every
        # checkpoint to compress what is not compressible, or to store it in a second table.
        migrations.RunSQL(
            "ALTER TABLE detection_session SET (toast_tuple_target = 4080), "
            "ALTER COLUMN packed_state SET STORAGE MAIN",
            "ALTER TABLE detection_session RESET (toast_tuple_target), "
            "ALTER COLUMN packed_state SET STORAGE EXTENDED",
        ),
        migrations.AddField(
            model_name="detectionsession",
            name="parameters",
            field=models.JSONField(
                help_text="Values of the MoveSpec's parameters.",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="detectionsession",
            name="subject",
            field=models.CharField(
                help_text="The customer's id of the person.", max_length=128, null=True
            ),
        ),
        migrations.AddField(
            model_name="detectionsession",
            name="metadata",
            field=models.JSONField(help_text="The customer's own notes.", null=True),
        ),
        migrations.AddField(
            model_name="detectionsession",
            name="locale",
            field=models.CharField(
                help_text="Of its messages: a BCP 47 tag.",
                max_length=100,
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="detectionsession",
            name="created_by",
            field=models.UUIDField(
                null=True, help_text="The credential that created it; empty: not known."
            ),
        ),
        migrations.AddField(
            model_name="detectionsession",
            name="events_left_at",
            field=models.DateTimeField(
                help_text="When retention deleted its events; empty: not yet.",
                null=True,
            ),
        ),
        # Versions of fingerprints after the first have a byte before their digest. No SQL.
        migrations.AlterField(
            model_name="detectionsession",
            name="request_fingerprint",
            field=models.BinaryField(max_length=33, null=True),
        ),
        # Room in each page for the next versions of its sessions (figures in docs/benchmarks.md).
        migrations.RunSQL(
            "ALTER TABLE detection_session SET (fillfactor = 50)",
            "ALTER TABLE detection_session SET (fillfactor = 70)",
        ),
    ]
