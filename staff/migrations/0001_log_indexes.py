"""The log is read by its newest entries, and by what they are about: Django indexes neither."""

from typing import Any

from django.db import migrations
from django.db.models import F, Index

from kynaplatform.database.indexes import AddIndexOnce


class AddLogIndexOnce(AddIndexOnce):
    """On the table of Django's own app, whose state knows nothing of it."""

    def state_forwards(self, app_label: str, state: Any) -> None:
        pass

    def database_forwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        super().database_forwards("admin", schema_editor, from_state, to_state)

    def database_backwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        super().database_backwards("admin", schema_editor, from_state, to_state)


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("admin", "0003_logentry_add_action_flag_choices")]

    operations = [
        # Read by the list of all that was done. Without the id, as the other lists' indexes.
        AddLogIndexOnce("logentry", Index(F("action_time").desc(), name="log_newest")),
        # Read by histories, by the search of the log, and there also by an id's first digits.
        AddLogIndexOnce(
            "logentry",
            Index(fields=["object_id"], name="log_object", opclasses=["text_pattern_ops"]),
        ),
    ]
