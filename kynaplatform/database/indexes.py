"""Indexes built without blocking writes, and the statistics that the planner needs to use them."""

from typing import Any

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import connection
from psycopg import sql


class AddIndexOnce(AddIndexConcurrently):
    """Keeps the index that an interrupted run built, and rebuilds one that it left invalid.

    It can't run in a transaction. It waits for every open transaction, however long those take:
    nothing queues behind it.
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


# PostgreSQL assumes ten pages for a table without statistics, and so reads it by its indexes.
# Analyzed while small, a table would be read whole while it grows.
_LARGE = """
SELECT relname FROM pg_class
WHERE relkind = 'r' AND pg_table_is_visible(oid) AND relnamespace <> 'pg_catalog'::regnamespace
    AND pg_relation_size(oid) >= 10 * current_setting('block_size')::int
"""


def analyze_large_tables() -> None:
    """ANALYZE each of this role's tables of 80 kB or more, unless another connection does."""
    with connection.cursor() as cursor:
        cursor.execute(_LARGE)
        for (name,) in cursor.fetchall():
            cursor.execute(sql.SQL("ANALYZE (SKIP_LOCKED) {}").format(sql.Identifier(name)))
