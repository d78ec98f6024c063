"""Statements of the hot path, each run on a cursor that its connection keeps.

Django makes two cursors for each statement and throws them away, and psycopg looks up anew how each
parameter and column is written. That costs a thread more than to send the statement does.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper
from psycopg import sql
from psycopg.pq import Format


class Statement:
    """A statement by hand. Its errors, transactions and wrappers are those of Django's cursors.

    Its columns come in PostgreSQL's binary form, of which no text is parsed.
    """

    def __init__(self, sql: str) -> None:
        # On one line: psycopg remembers where the parameters are in up to 4,096 characters.
        self.sql = " ".join(sql.split())

    def row(self, parameters: Sequence[Any] | Mapping[str, Any]) -> tuple[Any, ...] | None:
        """The first row of its answer, or None."""
        cursor = self._cursor()
        cursor.execute(self.sql, parameters)
        row: tuple[Any, ...] | None = cursor.fetchone()
        return row

    def _cursor(self) -> CursorWrapper:
        database = connections[DEFAULT_DB_ALIAS]
        if database.queries_logged:
            return _new_cursor(database)
        database.close_if_health_check_failed()
        database.ensure_connection()
        # With the connection they are gone.
        kept: dict[Statement, CursorWrapper]
        kept = database.connection.__dict__.setdefault("kept_cursors", {})
        if self not in kept:
            kept[self] = _new_cursor(database)
        return kept[self]


def _new_cursor(database: BaseDatabaseWrapper) -> CursorWrapper:
    cursor = database.cursor()
    cursor.cursor.format = Format.BINARY
    return cursor


# Smaller ones are left alone: PostgreSQL takes a table that it never counted for ten pages, and
# reads it by its indexes. Counted while it is small, it would be read whole while it grows.
_LARGE = """
SELECT relname FROM pg_class
WHERE relkind = 'r' AND pg_table_is_visible(oid) AND relnamespace <> 'pg_catalog'::regnamespace
    AND pg_relation_size(oid) >= 10 * current_setting('block_size')::int
"""


def analyze_large_tables() -> None:
    """ANALYZE each table of 80 kB or more that is this role's, unless somebody is at it."""
    with connection.cursor() as cursor:
        cursor.execute(_LARGE)
        for (name,) in cursor.fetchall():
            cursor.execute(sql.SQL("ANALYZE (SKIP_LOCKED) {}").format(sql.Identifier(name)))
