"""Indexes that a migration makes beside the traffic: a plain one would stop every write.

That can't be undone as one, so a migrate that was interrupted there is run again.
"""

from typing import Any

from django.contrib.postgres.operations import AddIndexConcurrently


class AddIndexOnce(AddIndexConcurrently):
    """Leaves the index that an earlier run made, and makes anew one that it left invalid.

    It waits for every transaction that is open, however long they take: nobody waits behind it.
    """

    def database_forwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        with schema_editor.connection.cursor() as cursor:
            cursor.execute(
                "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(%s)",
                [self.index.name],
            )
            found = cursor.fetchone()
        if found == (True,):
            return
        schema_editor.execute("SET lock_timeout = 0")
        try:
            schema_editor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {self.index.name}")
            super().database_forwards(app_label, schema_editor, from_state, to_state)
        finally:
            schema_editor.execute("RESET lock_timeout")
