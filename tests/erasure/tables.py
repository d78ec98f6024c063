"""All that the database holds, as texts."""

from collections.abc import Iterator

from django.db import connection
from psycopg import sql


def every_text() -> Iterator[str]:
    """Each row of each table, with the name of its table before it."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name FROM information_schema.tables"
            " WHERE table_schema = 'public' AND table_type = 'BASE TABLE'"
        )
        for (table,) in cursor.fetchall():
            cursor.execute(sql.SQL("SELECT {}::text FROM {}").format(*[sql.Identifier(table)] * 2))
            for (row,) in cursor.fetchall():
                yield f"{table}: {row}"
