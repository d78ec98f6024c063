"""Sessions that have ended keep no engine state: the code empties it now, here it is done for them.

In batches with a transaction each, along the primary key, beside the traffic: nothing else changes
these rows, and a live session is passed over. One that was interrupted is run again.
"""

from typing import Any

from django.db import migrations, transaction

BATCH = 1_000


def forget_engine_states(apps: Any, schema_editor: Any) -> None:
    sessions = apps.get_model("sessions_app", "DetectionSession").objects.using(
        schema_editor.connection.alias
    )
    ids = list(sessions.order_by("id").values_list("id", flat=True)[:BATCH])
    while ids:
        ended = sessions.filter(id__gte=ids[0], id__lte=ids[-1], deadline_at__isnull=True)
        with transaction.atomic(schema_editor.connection.alias):
            ended.filter(engine_state__isnull=False).update(engine_state=None)
        following = sessions.filter(id__gt=ids[-1]).order_by("id")
        ids = list(following.values_list("id", flat=True)[:BATCH])


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("sessions_app", "0005_distinct_values")]

    operations = [migrations.RunPython(forget_engine_states, migrations.RunPython.noop)]
